#include "proxy/judge.h"

#include "http/date.h"
#include "http/fields.h"
#include "http/validators.h"
#include "http/vary.h"

/* The request as it counts: a HEAD asks for the head that a GET would get.
 * False when it can't be read again. */
static bool
read_request(const struct judge_case *c, struct head *out)
{
	if (head_parse_own_request(c->request, out) != HEAD_DONE)
		return false;
	if (out->method == METHOD_HEAD)
		out->method = METHOD_GET;
	return true;
}

/* It has something in it that other requests for the key may lack. */
static bool
is_peculiar(const struct head *request)
{
	struct cachectl asked;

	cachectl_parse(request, &asked);
	return asked.no_store || head_find(request, FIELD_AUTHORIZATION);
}

/* response: the one that arrived, or what it makes of a stored one. */
static void
take_freshness(const struct judge_case *c, const struct head *request,
	const struct head *response, struct response *out)
{
	struct freshness f;

	cachectl_freshness(
		&(struct cachectl_event){
			.request = request,
			.response = response,
			.asked_at_s = c->asked_at_s,
			.arrived_at_s = c->arrived_at_s,
			.is_part = c->is_part,
		},
		&f);
	out->why_not = f.why_not;
	out->fresh = cachectl_keep(&f);
	out->born_s = c->arrived_at_s - f.initial_age_s;
}

void
judge(const struct judge_case *c, struct judgement *out)
{
	struct head request;

	*out = (struct judgement){
		.response = {.status = c->response->status, .length = -1}};
	if (!read_request(c, &request)) {
		out->response.why_not = "request too large";
		return;
	}
	take_freshness(c, &request, c->response, &out->response);
	if (!out->response.why_not && c->frame.kind == FRAME_LENGTH &&
		c->frame.length > c->object_max_bytes)
		out->response.why_not = "too large";
	out->for_all = !is_peculiar(&request);
}

bool
judge_selector(const struct judge_case *c, struct buf *out)
{
	struct head request;

	return read_request(c, &request) &&
		vary_make(&request, c->response, out);
}

/* --- what is stored, renewed ---------------------------------------------- */

bool
judge_confirms(const struct judge_case *c, const struct object *stored)
{
	struct validators had = validators_of_fields(object_fields(stored));
	struct validators got = validators_of(c->response);

	return (had.etag.p || had.last_modified_s != INT64_MIN) &&
		validators_match(&had, &got);
}

/* The stored fields, brought up to date. The date that they had is over in any
 * case: what comes without one is of now (RFC 9110, 6.6.1). */
static void
update(const struct judge_case *c, struct str stored, struct buf *out)
{
	struct head h = *c->response;
	char date[DATE_SIZE];

	if (!head_find(&h, FIELD_DATE))
		head_add(&h, STR("Date"),
			str_of(date, date_format(date, c->arrived_at_s)));
	fields_update(stored, &h, out);
}

/* Age is not stored, but that of the update counts for what becomes of it. */
static void
put_ages(const struct head *h, struct buf *out)
{
	for (const struct field *f = head_find(h, FIELD_AGE); f;
		f = head_next(h, f))
		fields_put(f->name, f->value, out);
}

enum judge_renewal
judge_renew(const struct judge_case *c, const struct object *stored,
	struct object **out)
{
	struct buf fields = {0}, selector = {0};
	enum judge_renewal result = RENEWAL_NONE;
	struct head request, renewed;
	struct response r;
	size_t n;

	object_response(stored, &r);
	update(c, r.fields, &fields);
	n = buf_len(&fields);
	put_ages(c->response, &fields);
	r.fields = str_of(buf_head(&fields), n);
	/* Each update may add to what is stored: it stays what an origin could
	 * have said at once. */
	if (n <= HEAD_MAX_BYTES && read_request(c, &request) &&
		fields_to_head(buf_view(&fields), r.status, &renewed)) {
		take_freshness(c, &request, &renewed, &r);
		if (vary_make(&request, &renewed, &selector) && !r.why_not)
			result = RENEWAL_KEEP;
		else
			result = is_peculiar(&request) ? RENEWAL_ONCE
						       : RENEWAL_DROP;
		*out = object_renewed(stored, buf_view(&selector), &r);
	}
	buf_fini(&selector);
	buf_fini(&fields);
	return result;
}

bool
judge_conditions(const struct object *stored, struct buf *out)
{
	struct str rest = object_fields(stored);
	size_t before = buf_len(out);
	struct field f;

	while (fields_next(&rest, &f)) {
		if (f.id == FIELD_ETAG && etag_is_valid(f.value))
			fields_put(STR("If-None-Match"), f.value, out);
		else if (f.id == FIELD_LAST_MODIFIED &&
			date_parse(f.value) != INT64_MIN)
			fields_put(STR("If-Modified-Since"), f.value, out);
	}
	return buf_len(out) > before;
}
