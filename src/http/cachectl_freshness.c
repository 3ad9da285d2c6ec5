#include "http/cachectl.h"

#include <errno.h>

#include "http/date.h"

#define DAY_S 86400

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* 0 to CACHECTL_MAX_S. */
static int64_t
bounded(int64_t s)
{
	return least(most(s, 0), CACHECTL_MAX_S);
}

static unsigned
status_of(const struct cachectl_event *e)
{
	unsigned status = e->response->status;

	return status == 206 && e->is_part ? 200 : status;
}

/* --- lifetime and age ---------------------------------------------------- */

/* May be given a lifetime that the origin did not write (RFC 9110, 15.1). */
static bool
cacheable_by_default(unsigned status)
{
	switch (status) {
	case 200:
	case 203:
	case 204:
	case 300:
	case 301:
	case 308:
	case 404:
	case 405:
	case 410:
	case 414:
	case 501: return true;
	default: return false;
	}
}

/* Of what has a lifetime that nobody wrote. */
static bool
may_guess(const struct cachectl_event *e, const struct cachectl *c)
{
	return c->public_ || cacheable_by_default(status_of(e));
}

static int64_t
guessed_lifetime(const struct head *response, int64_t date_s)
{
	int64_t modified_s = date_in(response, FIELD_LAST_MODIFIED);

	if (modified_s == INT64_MIN || modified_s >= date_s)
		return 0;
	return least((date_s - modified_s) / 10, DAY_S);
}

/* How long it is fresh, from the moment it was made, if the origin says so;
 * or -1. */
static int64_t
written_lifetime(
	const struct head *response, const struct cachectl *c, int64_t date_s)
{
	int64_t expires_s;

	if (c->s_maxage >= 0)
		return c->s_maxage;
	if (c->max_age >= 0)
		return c->max_age;
	if (c->targeted || !head_find(response, FIELD_EXPIRES))
		return -1;
	expires_s = date_in(response, FIELD_EXPIRES);
	/* What is no date has expired. */
	return expires_s <= date_s ? 0 : bounded(expires_s - date_s);
}

/* The greatest Age that caches on the way wrote; what is no number is ignored.
 */
static int64_t
age_said(const struct head *response)
{
	int64_t age_s = 0;

	for (unsigned i = 0; i < response->nfields; i++) {
		struct str rest = response->fields[i].value, element;

		if (response->fields[i].id != FIELD_AGE)
			continue;
		while (list_next(&rest, &element)) {
			uint64_t v = CACHECTL_MAX_S; /* if it is more */

			if (str_u64(element, CACHECTL_MAX_S, &v) != -EINVAL)
				age_s = most(age_s, (int64_t)v);
		}
	}
	return age_s;
}

/* RFC 9111, 4.2.3, in its words. */
static int64_t
corrected_initial_age(const struct cachectl_event *e, int64_t date_s)
{
	int64_t apparent_age = most(e->arrived_at_s - date_s, 0);
	int64_t response_delay = most(e->arrived_at_s - e->asked_at_s, 0);
	int64_t corrected_age_value = age_said(e->response) + response_delay;

	return bounded(most(apparent_age, corrected_age_value));
}

/* --- may it be stored? --------------------------------------------------- */

/* Do we keep all that RFC 9110 says of this status? */
static bool
is_understood(unsigned status)
{
	switch (status) {
	case 200 ... 205:
	case 300 ... 303:
	case 307 ... 308:
	case 400 ... 417:
	case 421 ... 422:
	case 426:
	case 500 ... 505: return true;
	default: return false;
	}
}

static bool
is_storable_status(unsigned status)
{
	switch (status) {
	case 206:
	case 304:
	case 428: /* these four: RFC 6585 */
	case 429:
	case 431:
	case 511: return false;
	default: return status >= 200;
	}
}

static const char *
forbidden_by_request(const struct cachectl_event *e)
{
	struct cachectl asked;

	cachectl_parse(e->request, &asked);
	if (e->request->method != METHOD_GET)
		return "method";
	return asked.no_store ? "request no-store" : NULL;
}

static const char *
forbidden_by_response(const struct cachectl_event *e, const struct cachectl *c)
{
	unsigned status = status_of(e);

	if (!is_storable_status(status))
		return "status";
	if (c->must_understand && !is_understood(status))
		return "must-understand";
	/* no-store beside must-understand is for those who don't. */
	if (c->no_store && !c->must_understand)
		return "no-store";
	if (c->private_)
		return "private";
	if (head_has_token(e->response, FIELD_VARY, STR("*")))
		return "Vary";
	return NULL;
}

/* What carries credentials or a session is not for others unless somebody says
 * so. For Set-Cookie that is our own, stricter rule; one that is not stored
 * with the rest does no harm. */
static const char *
forbidden_by_privacy(const struct cachectl_event *e, const struct cachectl *c)
{
	bool shared = c->public_ || c->s_maxage >= 0;
	const struct field *cookie = head_find(e->response, FIELD_SET_COOKIE);

	if (head_find(e->request, FIELD_AUTHORIZATION) && !shared &&
		!c->must_revalidate)
		return "Authorization";
	if (cookie && !shared && !cachectl_withholds(e->response, cookie))
		return "Set-Cookie";
	return NULL;
}

static bool
has_validator(const struct head *response)
{
	return head_find(response, FIELD_ETAG) ||
		date_in(response, FIELD_LAST_MODIFIED) != INT64_MIN;
}

/* Why there would be no use in storing it; or NULL. */
static const char *
useless(const struct cachectl_event *e, const struct freshness *f)
{
	int64_t usable_s = f->lifetime_s;

	if (has_validator(e->response))
		return NULL;
	if (f->no_cache)
		return "no-cache";
	if (f->heuristic)
		return "no lifetime";
	if (!f->must_revalidate)
		usable_s +=
			most(f->stale_while_revalidate_s, f->stale_if_error_s);
	return f->initial_age_s < usable_s ? NULL : "stale on arrival";
}

static const char *
why_not(const struct cachectl_event *e, const struct cachectl *c,
	const struct freshness *f)
{
	const char *why = forbidden_by_request(e);

	if (!why)
		why = forbidden_by_response(e, c);
	if (!why)
		why = forbidden_by_privacy(e, c);
	if (!why && f->heuristic && !may_guess(e, c))
		why = "no lifetime";
	return why ? why : useless(e, f);
}

void
cachectl_freshness(const struct cachectl_event *e, struct freshness *out)
{
	int64_t date_s = date_in(e->response, FIELD_DATE), written;
	struct cachectl c;
	struct freshness f = {0};

	if (date_s == INT64_MIN)
		date_s = e->arrived_at_s;
	cachectl_parse(e->response, &c);
	written = written_lifetime(e->response, &c, date_s);
	f.heuristic = written < 0;
	if (!f.heuristic)
		f.lifetime_s = written;
	else if (may_guess(e, &c))
		f.lifetime_s = guessed_lifetime(e->response, date_s);
	f.initial_age_s = corrected_initial_age(e, date_s);
	f.stale_while_revalidate_s = most(c.stale_while_revalidate, 0);
	f.stale_if_error_s = most(c.stale_if_error, 0);
	f.must_revalidate =
		c.must_revalidate || c.proxy_revalidate || c.s_maxage >= 0;
	f.no_cache = c.no_cache;
	f.immutable = c.immutable;
	f.shared = c.public_ || c.s_maxage >= 0 || c.must_revalidate;
	f.why_not = why_not(e, &c, &f);
	f.storable = !f.why_not;
	*out = f;
}

/* --- may it be used? ----------------------------------------------------- */

struct stored_freshness
cachectl_keep(const struct freshness *f)
{
	return (struct stored_freshness){
		.lifetime_s = (uint32_t)f->lifetime_s,
		.stale_while_revalidate_s =
			(uint32_t)f->stale_while_revalidate_s,
		.stale_if_error_s = (uint32_t)f->stale_if_error_s,
		.must_revalidate = f->must_revalidate,
		.no_cache = f->no_cache,
		.immutable = f->immutable,
		.heuristic = f->heuristic,
		.shared = f->shared,
	};
}

/* Does the client turn down what we would call fresh? Reloads of what is
 * immutable ask max-age=0 and get it nonetheless (RFC 8246, 2). */
static bool
is_declined(const struct cachectl *request,
	const struct stored_freshness *stored, int64_t age_s)
{
	bool fresh = age_s < stored->lifetime_s;

	if (request->no_cache)
		return true;
	if (request->max_age >= 0 && age_s > request->max_age &&
		!(fresh && stored->immutable))
		return true;
	return request->min_fresh >= 0 &&
		stored->lifetime_s - age_s < request->min_fresh;
}

enum cachectl_use
cachectl_use(const struct cachectl *request,
	const struct stored_freshness *stored, int64_t age_s)
{
	int64_t stale_s = age_s - stored->lifetime_s;

	if (stored->no_cache || is_declined(request, stored, age_s))
		return USE_REVALIDATE;
	if (stale_s < 0)
		return USE_FRESH;
	if (stored->must_revalidate)
		return USE_REVALIDATE;
	/* max-age without max-stale: nothing stale (RFC 9111, 5.2.1.1). */
	if (stale_s < stored->stale_while_revalidate_s &&
		(request->max_age < 0 || request->max_stale >= 0))
		return USE_STALE_REVALIDATING;
	return stale_s <= request->max_stale ? USE_FRESH : USE_REVALIDATE;
}

bool
cachectl_usable_on_error(const struct cachectl *request,
	const struct stored_freshness *stored, int64_t age_s)
{
	int64_t stale_s = age_s - stored->lifetime_s;

	if (stored->no_cache || request->no_cache)
		return false;
	if (stale_s >= 0 && stored->must_revalidate)
		return false;
	return stale_s <
		most(stored->stale_if_error_s, request->stale_if_error);
}
