#include "proxy/intake.h"

#include "http/trailers.h"

void
intake_init(struct intake *i, struct frame frame, const struct head *h)
{
	bool by_length = frame.kind == FRAME_LENGTH;

	*i = (struct intake){
		.frame = frame, .left = by_length ? frame.length : UINT64_MAX};
	if (frame.kind == FRAME_CHUNKED && trailers_may_pass(h))
		i->chunks.trailers = &i->trailers;
}

void
intake_fini(struct intake *i)
{
	buf_fini(&i->trailers);
}

void
intake_end(struct intake *i, struct flight *f)
{
	struct buf trailers = {0};

	trailers_put(buf_view(&i->trailers), &trailers);
	flight_end(f, buf_view(&trailers));
	buf_fini(&trailers);
}

char *
intake_room(struct intake *i, struct body *body, size_t *n)
{
	size_t hint = i->left == UINT64_MAX ? 0 : (size_t)i->left;
	char *at = body_room(body, hint, n);

	if (*n > i->left)
		*n = (size_t)i->left;
	return at;
}

void
intake_commit(struct intake *i, struct body *body, size_t n)
{
	if (i->left != UINT64_MAX)
		i->left -= n;
	body_commit(body, n);
}

static enum intake_result
take_plain(struct intake *i, struct buf *in, struct body *body, size_t most)
{
	size_t n = buf_len(in), room;
	char *at;

	if (i->left == 0)
		return INTAKE_END;
	if (n == 0)
		return INTAKE_MORE;
	at = intake_room(i, body, &room);
	n = n < room ? n : room;
	n = n < most ? n : most;
	memcpy(at, buf_head(in), n);
	buf_consume(in, n);
	intake_commit(i, body, n);
	return i->left ? INTAKE_SOME : INTAKE_END;
}

static enum intake_result
take_chunked(struct intake *i, struct buf *in, struct body *body, size_t most)
{
	struct str rest = buf_view(in), data;
	enum chunk_result result;

	if (rest.n > most)
		rest.n = most;
	result = chunk_decode(&i->chunks, &rest, &data);
	if (result == CHUNK_DATA)
		body_append(body, data.p, data.n);
	if (buf_len(in))
		buf_consume(in, (size_t)(rest.p - buf_head(in)));
	switch (result) {
	case CHUNK_DATA: return INTAKE_SOME;
	case CHUNK_END: return INTAKE_END;
	case CHUNK_BAD: return INTAKE_BAD;
	case CHUNK_MORE: break;
	}
	/* The window may have cut the view short. */
	return buf_len(in) ? INTAKE_SOME : INTAKE_MORE;
}

enum intake_result
intake_take(struct intake *i, struct buf *in, struct body *body)
{
	size_t window = body_window(body);

	if (i->frame.kind == FRAME_NONE)
		return INTAKE_END;
	if (window == 0)
		return INTAKE_FULL;
	return i->frame.kind == FRAME_CHUNKED
		? take_chunked(i, in, body, window)
		: take_plain(i, in, body, window);
}
