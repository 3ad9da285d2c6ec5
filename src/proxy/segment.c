#include "proxy/segment.h"

#include "http/fields.h"
#include "http/validators.h"

static const struct head no_request;

void
segment_put_manifest_key(struct str key, struct buf *out)
{
	buf_str(out, key);
	buf_str(out, STR(STORE_PARTS));
}

void
segment_put_key(struct str key, uint64_t first, struct buf *out)
{
	segment_put_manifest_key(key, out);
	buf_u64(out, first / SEGMENT_BYTES);
}

struct str
segment_whole_key(struct str key)
{
	const char *at = memchr(key.p, STORE_PARTS[0], key.n);

	return at ? str_of(key.p, (size_t)(at - key.p)) : key;
}

/* --- judging ---------------------------------------------------------------
 */

/* What can be combined with other parts (RFC 9111, 3.4). */
static bool
has_strong_validator(const struct validators *v)
{
	return (v->etag.p && !etag_is_weak(v->etag)) ||
		(!v->etag.p && validators_date_is_strong(v));
}

/* Is it what was asked for, as far as there is so much? */
static bool
is_asked(const struct judge_case *c, struct range asked, uint64_t *length)
{
	const struct field *f = head_find(c->response, FIELD_CONTENT_RANGE);
	struct content_range r;
	uint64_t last;

	if (!f || head_next(c->response, f) ||
		!range_parse_content(f->value, &r) || !r.satisfied ||
		!r.counted || r.part.first != asked.first)
		return false;
	last = asked.last < r.length ? asked.last : r.length - 1;
	if (r.part.last != last)
		return false;
	if (c->frame.kind == FRAME_LENGTH &&
		c->frame.length != range_length(r.part))
		return false;
	*length = r.length;
	return true;
}

void
segment_judge(const struct judge_case *c, struct range asked,
	struct judgement *out, uint64_t *length)
{
	struct validators v = validators_of(c->response);
	struct judge_case part = *c;
	const char *why = NULL;

	part.is_part = true;
	judge(&part, out);
	if (c->response->status != 206)
		why = "not a part";
	else if (!is_asked(c, asked, length))
		why = "another part";
	else if (!has_strong_validator(&v))
		why = "no strong validator";
	else if (head_find(c->response, FIELD_VARY))
		why = "Vary";
	if (why)
		out->response.why_not = why;
}

/* --- the manifest ----------------------------------------------------------
 */

uint64_t
segment_length(const struct object *manifest)
{
	struct str body = object_flat(manifest);
	uint64_t length;

	memcpy(&length, body.p, sizeof(length));
	return length;
}

static bool
same(struct str fields_a, struct str fields_b)
{
	struct validators a = validators_of_fields(fields_a);
	struct validators b = validators_of_fields(fields_b);

	if (a.etag.p || b.etag.p)
		return a.etag.p && b.etag.p && etag_same_strong(a.etag, b.etag);
	return a.last_modified_s == b.last_modified_s;
}

/* The complete length of which a 206 says that it is a part; 0: no such. */
static uint64_t
length_in(struct str fields)
{
	struct content_range r;
	struct field f;

	while (fields_next(&fields, &f))
		if (f.id == FIELD_CONTENT_RANGE)
			return range_parse_content(f.value, &r) ? r.length : 0;
	return 0;
}

static bool
belongs(struct str fields, uint32_t serial, const struct object *manifest)
{
	return (int32_t)(serial - manifest->serial) >= 0 &&
		length_in(fields) == segment_length(manifest) &&
		same(fields, object_fields(manifest));
}

bool
segment_belongs(const struct object *part, const struct object *manifest)
{
	return belongs(object_fields(part), part->serial, manifest);
}

bool
segment_flight_belongs(const struct flight *part, const struct object *manifest)
{
	return belongs(part->response.fields, part->serial, manifest);
}

/* Those of the whole response, of which r is a part. */
static void
put_common_fields(const struct response *r, struct buf *out)
{
	struct str rest = r->fields;
	struct field f;

	while (fields_next(&rest, &f))
		if (f.id != FIELD_CONTENT_RANGE)
			fields_put(f.name, f.value, out);
}

void
segment_store_manifest(struct store *s, const struct flight *part,
	struct str key, const struct response *r, uint64_t length)
{
	uint32_t serial = part->serial;
	struct response common = *r;
	struct buf name = {0}, fields = {0};
	struct object *old;
	bool others;

	segment_put_manifest_key(key, &name);
	put_common_fields(r, &fields);
	common.status = 200;
	common.fields = buf_view(&fields);
	old = store_find(s,
		&(struct wanted){
			.key = buf_view(&name), .request = &no_request},
		&others);
	if (old && !object_is_mark(old) && segment_length(old) == length &&
		same(object_fields(old), common.fields))
		serial = old->serial;
	object_unref(old);
	store_put_beside(s, part, buf_view(&name), &common,
		str_of((const char *)&length, sizeof(length)), serial);
	buf_fini(&name);
	buf_fini(&fields);
}
