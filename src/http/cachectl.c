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

/* delta-seconds; -1 when it is none. */
static int64_t
delta_seconds(struct str s)
{
	uint64_t v = 0;
	int r = str_u64(s, CACHECTL_MAX_S, &v);

	if (r == -ERANGE)
		return CACHECTL_MAX_S;
	return r < 0 ? -1 : (int64_t)v;
}

/* The argument of max-age or s-maxage, as token or quoted string, joins what
 * earlier fields said. */
static void
take_seconds(struct str arg, int64_t *s)
{
	int64_t v;

	if (arg.n >= 2 && arg.p[0] == '"' && arg.p[arg.n - 1] == '"')
		arg = str_of(arg.p + 1, arg.n - 2);
	v = most(delta_seconds(arg), 0);
	*s = *s < 0 ? v : least(*s, v);
}

/* Does a quoted string in s lack its end? */
static bool
left_open(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
	}
	return quoted;
}

static void
take_directive(struct str directive, struct cachectl *c)
{
	const struct {
		struct str name;
		bool *flag;
	} flags[] = {
		{STR("no-store"), &c->no_store},
		{STR("no-cache"), &c->no_cache},
		{STR("private"), &c->private_},
		{STR("public"), &c->public_},
		{STR("must-revalidate"), &c->must_revalidate},
		{STR("proxy-revalidate"), &c->proxy_revalidate},
		{STR("no-transform"), &c->no_transform},
		{STR("only-if-cached"), &c->only_if_cached},
	};
	struct str arg = directive, name;

	if (left_open(directive))
		c->no_store = true;
	(void)str_split(&arg, '=', &name);
	if (str_ieq(name, STR("max-age")))
		take_seconds(arg, &c->max_age);
	else if (str_ieq(name, STR("s-maxage")))
		take_seconds(arg, &c->s_maxage);
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_ieq(name, flags[i].name))
			*flags[i].flag = true;
}

void
cachectl_parse(const struct head *h, struct cachectl *out)
{
	*out = (struct cachectl){.max_age = -1, .s_maxage = -1};
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str rest = h->fields[i].value, directive;

		if (h->fields[i].id != FIELD_CACHE_CONTROL)
			continue;
		while (list_next(&rest, &directive))
			take_directive(directive, out);
	}
}

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

/* Seconds since 1970 in a field; INT64_MIN when absent or no date. */
static int64_t
date_in(const struct head *h, enum field_id id)
{
	const struct field *f = head_find(h, id);

	return f ? date_parse(f->value) : INT64_MIN;
}

/* How long it is fresh, from the moment it was made; -1 when nobody says. */
static int64_t
lifetime(const struct head *response, const struct cachectl *c, int64_t date_s)
{
	int64_t modified_s = date_in(response, FIELD_LAST_MODIFIED);

	if (c->s_maxage >= 0)
		return c->s_maxage;
	if (c->max_age >= 0)
		return c->max_age;
	if (head_find(response, FIELD_EXPIRES)) {
		int64_t expires_s = date_in(response, FIELD_EXPIRES);

		if (expires_s <= date_s) /* also if invalid */
			return 0;
		return least(expires_s - date_s, CACHECTL_MAX_S);
	}
	if (!cacheable_by_default(response->status))
		return -1;
	if (modified_s == INT64_MIN || modified_s >= date_s)
		return -1;
	return least((date_s - modified_s) / 10, DAY_S);
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
		while (list_next(&rest, &element))
			age_s = most(age_s, delta_seconds(element));
	}
	return age_s;
}

/* Why the rules of RFC 9111, 3 forbid to store it, lifetimes apart; or NULL. */
static const char *
forbidden(const struct head *request, const struct head *response,
	const struct cachectl *c)
{
	struct cachectl asked;

	cachectl_parse(request, &asked);
	if (request->method != METHOD_GET)
		return "method";
	if (response->status < 200 || response->status == 206 ||
		response->status == 304)
		return "status";
	if (asked.no_store)
		return "request no-store";
	if (c->no_store)
		return "no-store";
	if (c->private_)
		return "private";
	if (c->no_cache)
		return "no-cache";
	if (head_find(response, FIELD_VARY))
		return "Vary";
	if (head_find(request, FIELD_AUTHORIZATION) && !c->public_ &&
		c->s_maxage < 0 && !c->must_revalidate)
		return "Authorization";
	if (head_find(response, FIELD_SET_COOKIE) && !c->public_ &&
		c->s_maxage < 0)
		return "Set-Cookie";
	return NULL;
}

void
cachectl_freshness(const struct head *request, const struct head *response,
	int64_t now_s, struct freshness *out)
{
	struct freshness f = {0};
	struct cachectl c;
	int64_t date_s = date_in(response, FIELD_DATE), said;

	cachectl_parse(response, &c);
	if (date_s == INT64_MIN)
		date_s = now_s;
	said = lifetime(response, &c, date_s);
	f.lifetime_s = most(said, 0);
	f.initial_age_s = age_said(response);
	if (now_s > date_s)
		f.initial_age_s = most(
			f.initial_age_s, least(now_s - date_s, CACHECTL_MAX_S));
	f.why_not = forbidden(request, response, &c);
	if (!f.why_not && said < 0)
		f.why_not = "no lifetime";
	if (!f.why_not && f.lifetime_s <= f.initial_age_s)
		f.why_not = "stale on arrival";
	f.storable = !f.why_not;
	*out = f;
}
