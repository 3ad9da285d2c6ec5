#include "proxy/incoming.h"

#include <errno.h>
#include <sys/socket.h>

enum { READ_BYTES = 64 * 1024 };

/* *n: how many bytes came. */
static enum incoming_result
receive(struct upstream *up, char *p, size_t *n)
{
	ssize_t r = recv(up->io.fd, p, *n, 0);

	if (r < 0 && errno == EAGAIN) {
		up->readable = false;
		return INCOMING_WAIT;
	}
	if (r <= 0)
		return r == 0 ? INCOMING_END : INCOMING_CUT;
	count(&up->worker->counters.origin_bytes, (uint64_t)r);
	*n = (size_t)r;
	return INCOMING_SOME;
}

enum incoming_result
incoming_more(struct upstream *up)
{
	enum incoming_result result = INCOMING_WAIT;
	size_t n = READ_BYTES;

	if (up->readable)
		result = receive(up, buf_reserve(&up->in, n), &n);
	if (result == INCOMING_SOME)
		buf_commit(&up->in, n);
	return result;
}

static enum incoming_result
take_plain(struct intake *i, struct upstream *up, struct body *body)
{
	size_t window = body_window(body), n;
	enum incoming_result result;
	char *at;

	if (window == 0 || !up->readable)
		return INCOMING_WAIT;
	at = intake_room(i, body, &n);
	n = n < window ? n : window;
	result = receive(up, at, &n);
	if (result == INCOMING_SOME)
		intake_commit(i, body, n);
	return result;
}

enum incoming_result
incoming_body(struct intake *i, struct upstream *up, struct body *body)
{
	enum incoming_result result;

	switch (intake_take(i, &up->in, body)) {
	case INTAKE_FULL: return INCOMING_WAIT;
	case INTAKE_SOME: return INCOMING_SOME;
	case INTAKE_END: return INCOMING_END;
	case INTAKE_BAD: return INCOMING_BAD;
	case INTAKE_MORE: break;
	}
	if (i->frame.kind == FRAME_CHUNKED)
		result = incoming_more(up);
	else
		result = take_plain(i, up, body);
	return result == INCOMING_END && i->frame.kind != FRAME_CLOSE
		? INCOMING_CUT
		: result;
}
