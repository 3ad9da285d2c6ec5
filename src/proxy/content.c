#include "proxy/content.h"

#include "base/check.h"
#include "base/own.h"
#include "proxy/bulk.h"

static inline bool
is_of_something(const struct content *c)
{
	return c->object || c->flight || c->bulk || c->is_text || c->pieces ||
		c->reader.body;
}

void
content_leave(struct content *c)
{
	if (!is_of_something(c))
		return;
	reader_detach(&c->reader);
	if (c->bulk)
		bulk_end(take_ptr(&c->bulk));
	c->object = NULL;
	c->flight = NULL;
	c->is_text = false;
	c->pieces = NULL;
	c->npieces = c->at = 0;
	c->done = 0;
}

void
content_of_object(struct content *c, const struct object *o)
{
	content_leave(c);
	c->object = o;
	object_read(o, &c->reader);
}

int
content_of_flight(struct content *c, struct flight *f)
{
	content_leave(c);
	c->flight = f;
	return reader_attach(&c->reader, &f->body);
}

void
content_of_bulk(struct content *c, struct bulk *b)
{
	content_leave(c);
	reader_attach_flat(&c->reader, STR(""));
	c->bulk = b;
}

void
content_of_text(struct content *c, struct str text)
{
	content_leave(c);
	c->is_text = true;
	reader_attach_flat(&c->reader, text);
}

void
content_keep(struct content *c, struct arena *a)
{
	if (c->is_text)
		c->reader.flat = arena_copy(a, c->reader.flat);
}

/* --- parts ---------------------------------------------------------------- */

static struct str
text_in(struct arena *a, struct buf *b)
{
	struct str s = arena_copy(a, buf_view(b));

	buf_fini(b);
	return s;
}

void
content_parts(struct content *c, const struct range_parts *parts,
	const struct multipart *m, struct arena *a)
{
	bool several = parts->n > 1;
	struct piece *v = arena_alloc(a, (parts->n + 1) * sizeof(*v));
	struct buf b = {0};

	for (unsigned i = 0; i < parts->n; i++) {
		if (several)
			multipart_put_part(m, parts->v[i], &b);
		v[i] = (struct piece){text_in(a, &b), parts->v[i].first,
			range_length(parts->v[i])};
	}
	c->pieces = v;
	c->npieces = parts->n;
	if (!several)
		return;
	multipart_put_end(m, &b);
	v[c->npieces++] = (struct piece){text_in(a, &b), 0, 0};
}

bool
content_has_order(const struct content *c, const struct range_parts *parts)
{
	for (unsigned i = 1; c->flight && i < parts->n; i++)
		if (parts->v[i].first < parts->v[i - 1].first)
			return false;
	return true;
}

void
content_nothing(struct content *c)
{
	static const struct piece none;

	c->pieces = &none;
	c->npieces = 0;
}

/* --- reading -------------------------------------------------------------- */

static uint64_t
position(const struct content *c)
{
	return atomic_load_explicit(&c->reader.pos, memory_order_relaxed);
}

/* Passes over bytes that nobody wants, as far as they have come. False when
 * `to` has not come yet. */
static bool
seek(struct content *c, uint64_t to)
{
	struct str s;

	if (c->object && position(c) > to) {
		reader_detach(&c->reader);
		object_read(c->object, &c->reader);
	}
	while (position(c) < to && reader_peek(&c->reader, &s, 1)) {
		uint64_t left = to - position(c);

		reader_advance(&c->reader, s.n < left ? s.n : (size_t)left);
	}
	return position(c) == to;
}

/* To the first byte that is due of the piece. */
static bool
seek_piece(struct content *c)
{
	const struct piece *p = &c->pieces[c->at];

	return seek(c, p->first + c->done - p->text.n);
}

/* At most n bytes of the slices; how many slices are left. */
static size_t
cut(struct str *slices, size_t count, uint64_t n)
{
	for (size_t i = 0; i < count; i++) {
		if (slices[i].n >= n) {
			slices[i].n = (size_t)n;
			return i + 1;
		}
		n -= slices[i].n;
	}
	return count;
}

size_t
content_peek(struct content *c, struct str *slices, size_t max)
{
	const struct piece *p;
	uint64_t done = c->done;

	if (!c->pieces)
		return reader_peek(&c->reader, slices, max);
	if (c->at == c->npieces)
		return 0;
	p = &c->pieces[c->at];
	if (done < p->text.n) {
		slices[0] = str_of(p->text.p + done, p->text.n - done);
		return 1;
	}
	if (!seek_piece(c))
		return 0;
	done -= p->text.n;
	return cut(slices, reader_peek(&c->reader, slices, max), p->n - done);
}

void
content_advance(struct content *c, size_t n)
{
	const struct piece *p;

	if (c->bulk)
		return; /* it counts for itself */
	if (!c->pieces) {
		reader_advance(&c->reader, n);
		return;
	}
	p = &c->pieces[c->at];
	if (c->done >= p->text.n)
		reader_advance(&c->reader, n);
	c->done += n;
	CHECK(c->done <= p->text.n + p->n);
	if (c->done < p->text.n + p->n)
		return;
	c->at++;
	c->done = 0;
}

static bool
is_all_taken(const struct content *c)
{
	if (c->pieces)
		return c->at == c->npieces;
	if (c->is_text)
		return c->reader.flat.n == 0;
	return c->object && position(c) == c->object->length;
}

/* Text comes next, for which nobody need be waited. */
static bool
is_in_text(const struct content *c)
{
	return c->pieces && c->done < c->pieces[c->at].text.n;
}

bool
content_is_there(const struct content *c)
{
	return !c->flight || body_state(&c->flight->body) == BODY_DONE;
}

enum body_state
content_state(struct content *c)
{
	enum body_state state;

	if (c->bulk)
		return bulk_state(c->bulk);
	if (is_all_taken(c))
		return BODY_DONE;
	if (c->object || c->is_text || is_in_text(c))
		return BODY_OPEN;
	if (c->pieces)
		(void)seek_piece(c);
	state = body_state(&c->flight->body);
	/* Bytes before the end are seen once the end is. */
	if (position(c) != body_filled(&c->flight->body))
		return BODY_OPEN;
	/* It ended before the parts did: they were of a length that it was said
	 * to have. */
	return state == BODY_DONE && c->pieces ? BODY_FAILED : state;
}
