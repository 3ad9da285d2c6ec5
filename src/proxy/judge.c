#include "proxy/judge.h"

#include <stdlib.h>

#include "http/fields.h"
#include "http/validators.h"
#include "http/vary.h"

/* The freshness of `response`, which is the one that arrived or what it makes
 * of a stored one. False when the request can't be read again. *peculiar:
 * the request has something in it that other requests for the key may lack. */
static bool
freshness(const struct judge_case *c, const struct head *response,
	struct freshness *out, bool *peculiar)
{
	struct cachectl asked;
	struct head request;

	if (head_parse_own_request(c->request, &request) != HEAD_DONE)
		return false;
	cachectl_parse(&request, &asked);
	*peculiar = asked.no_store || head_find(&request, FIELD_AUTHORIZATION);
	cachectl_freshness(
		&(struct cachectl_event){
			.request = &request,
			.response = response,
			.asked_at_s = c->asked_at_s,
			.arrived_at_s = c->arrived_at_s,
			.is_part = c->is_part,
		},
		out);
	return true;
}

static void
take_freshness(const struct judge_case *c, const struct freshness *f,
	struct response *out)
{
	out->why_not = f->why_not;
	out->fresh = cachectl_keep(f);
	out->born_s = c->arrived_at_s - f->initial_age_s;
}

void
judge(const struct judge_case *c, struct judgement *out)
{
	struct freshness f;
	bool peculiar;

	*out = (struct judgement){
		.response = {.status = c->response->status, .length = -1}};
	if (!freshness(c, c->response, &f, &peculiar)) {
		out->response.why_not = "request too large";
		return;
	}
	take_freshness(c, &f, &out->response);
	if (f.storable && c->frame.kind == FRAME_LENGTH &&
		c->frame.length > c->object_max_bytes)
		out->response.why_not = "too large";
	out->for_all = !peculiar;
}

struct object *
judge_renewed(
	const struct judge_case *c, const struct object *stored, bool *storable)
{
	struct validators had = validators_of_fields(object_fields(stored));
	struct validators got = validators_of(c->response);
	struct response r;
	struct buf fields = {0};
	struct object *o = NULL;
	struct freshness f;
	struct head merged;
	bool peculiar;

	if (!validators_match(&had, &got))
		return NULL;
	object_response(stored, &r);
	fields_update(r.fields, c->response, &fields);
	r.fields = buf_view(&fields);
	if (r.fields.n <= OBJECT_TEXT &&
		fields_to_head(r.fields, r.status, &merged) &&
		freshness(c, &merged, &f, &peculiar)) {
		take_freshness(c, &f, &r);
		*storable = f.storable;
		o = object_renewed(stored, &r);
	}
	buf_fini(&fields);
	return o;
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
		else if (f.id == FIELD_LAST_MODIFIED)
			fields_put(STR("If-Modified-Since"), f.value, out);
	}
	return buf_len(out) > before;
}
