#include "proxy/shape.h"

#include <stdio.h>
#include <sys/random.h>

#include "http/fields.h"
#include "http/precondition.h"

/* Its length, as far as is known. */
static int64_t
length_of(const struct exchange *x)
{
	int64_t length = exchange_response(x)->length;

	if (length >= 0)
		return length;
	/* A HEAD that was passed on has no body to count. */
	if (x->flight && body_state(&x->flight->body) == BODY_DONE &&
		x->head.method != METHOD_HEAD)
		return (int64_t)body_filled(&x->flight->body);
	return -1;
}

/* Is it whole, and are conditions ours to judge? Whoever answered what was
 * passed on, or asked of the owner, has judged them. */
static bool
is_ours(const struct exchange *x)
{
	return x->from != FROM_PASS && x->from != FROM_PEER &&
		exchange_response(x)->status == 200;
}

static void
nothing_but(struct exchange *x, unsigned status, enum shape_fields fields,
	struct shape *out)
{
	content_nothing(&x->content);
	out->status = status;
	out->length = 0;
	out->fields = fields;
}

static struct str
take_text(struct arena *a, struct buf *b)
{
	struct str s = arena_copy(a, buf_view(b));

	buf_fini(b);
	return s;
}

static void
unsatisfiable(struct exchange *x, uint64_t length, struct shape *out)
{
	struct buf b = {0};

	nothing_but(x, 416, SHAPE_DATE, out);
	buf_z(&b, "Content-Range: ");
	range_put_unsatisfied(length, &b);
	buf_z(&b, "\r\n");
	out->added = take_text(&x->arena, &b);
}

/* Nobody can have put it into the content beforehand. */
static struct str
boundary(struct arena *a)
{
	uint64_t r[2] = {0};
	char z[33];

	(void)!getrandom(r, sizeof(r), 0);
	snprintf(z, sizeof(z), "%016llx%016llx", (unsigned long long)r[0],
		(unsigned long long)r[1]);
	return arena_copy(a, str_z(z));
}

static struct str
type_of(struct str fields)
{
	struct field f;

	while (fields_next(&fields, &f))
		if (f.id == FIELD_CONTENT_TYPE)
			return f.value;
	return STR("");
}

static void
partial(struct exchange *x, uint64_t length, const struct range_parts *parts,
	struct shape *out)
{
	struct multipart m = {.length = length};
	struct buf b = {0};

	out->status = 206;
	if (parts->n == 1) {
		out->length = (int64_t)range_length(parts->v[0]);
		buf_z(&b, "Content-Range: ");
		range_put_content(parts->v[0], length, &b);
	} else {
		m.boundary = boundary(&x->arena);
		m.content_type = type_of(exchange_response(x)->fields);
		out->length = (int64_t)multipart_length(&m, parts);
		out->fields = SHAPE_NO_TYPE;
		buf_z(&b, "Content-Type: ");
		multipart_put_type(&m, &b);
	}
	buf_z(&b, "\r\n");
	out->added = take_text(&x->arena, &b);
	content_parts(&x->content, parts, &m, &x->arena);
}

static void
by_range(struct exchange *x, const struct validators *v, struct shape *out)
{
	uint64_t length = (uint64_t)out->length;
	struct range_set asked;
	struct range_parts parts;

	if (out->length < 0 || !range_asked(&x->head, &asked) ||
		!precondition_if_range(&x->head, v))
		return;
	switch (range_resolve(&asked, length, &parts)) {
	case RANGE_WHOLE: break;
	case RANGE_UNSATISFIABLE: unsatisfiable(x, length, out); break;
	case RANGE_PARTS:
		if (content_has_order(&x->content, &parts))
			partial(x, length, &parts, out);
		break;
	}
}

void
shape_answer(struct exchange *x, struct shape *out)
{
	const struct response *r = exchange_response(x);
	bool conditional = precondition_in(&x->head);
	struct validators v;

	*out = (struct shape){.status = r->status, .length = length_of(x)};
	if (!is_ours(x) || (!conditional && !head_find(&x->head, FIELD_RANGE)))
		return;
	v = validators_of_fields(r->fields);
	switch (conditional ? precondition_check(&x->head, &v)
			    : PRECONDITION_PASS) {
	case PRECONDITION_PASS: by_range(x, &v, out); break;
	case PRECONDITION_NOT_MODIFIED:
		nothing_but(
			x, 304, v.etag.p ? SHAPE_304 : SHAPE_304_DATED, out);
		break;
	case PRECONDITION_FAILED: nothing_but(x, 412, SHAPE_DATE, out); break;
	}
}

bool
shape_is_empty(
	const struct exchange *x, const struct validators *v, uint64_t length)
{
	struct range_parts parts;
	struct range_set asked;

	if (precondition_check(&x->head, v) != PRECONDITION_PASS)
		return true;
	return range_asked(&x->head, &asked) &&
		precondition_if_range(&x->head, v) &&
		range_resolve(&asked, length, &parts) == RANGE_UNSATISFIABLE;
}

/* RFC 9110, 15.4.5: what describes the content stays at home. */
static bool
goes_with(const struct shape *s, const struct field *f)
{
	switch (f->id) {
	case FIELD_DATE: return true;
	case FIELD_CONTENT_TYPE: return s->fields == SHAPE_ALL;
	case FIELD_CONTENT_ENCODING:
	case FIELD_CONTENT_RANGE: return s->fields < SHAPE_304_DATED;
	case FIELD_LAST_MODIFIED: return s->fields < SHAPE_304;
	default: return s->fields != SHAPE_DATE;
	}
}

void
shape_put_fields(const struct shape *s, struct str fields, struct buf *out)
{
	struct field f;

	if (s->fields == SHAPE_ALL) {
		buf_str(out, fields);
		return;
	}
	while (fields_next(&fields, &f))
		if (goes_with(s, &f))
			fields_put(f.name, f.value, out);
}
