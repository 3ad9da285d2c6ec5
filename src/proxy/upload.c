#include "proxy/upload.h"

#include <errno.h>

#include "base/own.h"

static int
refuse(struct route_error *error, unsigned status, const char *why)
{
	*error = (struct route_error){status, why};
	return -EINVAL;
}

static const char too_large[] = "the request's body is too large";

int
upload_frame(const struct head *h, uint64_t max_bytes, struct frame *frame,
	struct route_error *error)
{
	struct frame f;
	const char *why;

	switch (frame_of_request(h, &f, &why)) {
	case FRAME_OK: break;
	case FRAME_BAD: return refuse(error, 400, why);
	case FRAME_UNIMPLEMENTED: return refuse(error, 501, why);
	}
	if (f.length > max_bytes)
		return refuse(error, 413, too_large);
	*frame = f;
	return 0;
}

static void
on_consumed(struct tap *t)
{
	wake_post(&container_of(t, struct upload, tap)->wake);
}

void
upload_init(struct upload *u, struct loop *l, void (*on_wake)(struct wake *w))
{
	*u = (struct upload){.done = true, .tap.on_consumed = on_consumed};
	wake_init(&u->wake, l, on_wake);
}

void
upload_begin(struct upload *u, const struct head *h, struct frame frame,
	uint64_t max_bytes, struct budget *budget)
{
	u->done = frame.kind == FRAME_NONE ||
		(frame.kind == FRAME_LENGTH && !frame.length);
	if (u->done)
		return;
	intake_init(&u->intake, frame, h);
	u->max_bytes = max_bytes;
	u->expected = head_expects_continue(h);
	u->flight = flight_new(budget);
	body_set_tap(&u->flight->body, &u->tap);
}

void
upload_give_up(struct upload *u, unsigned status, const char *why)
{
	flight_fail(u->flight, status, why);
	u->done = true;
}

static enum upload_result
give_up(struct upload *u, unsigned status, const char *why)
{
	upload_give_up(u, status, why);
	return UPLOAD_GIVEN_UP;
}

enum upload_result
upload_step(struct upload *u, struct buf *in)
{
	enum intake_result taken;

	if (u->done)
		return UPLOAD_IDLE;
	if (body_orphaned(&u->flight->body))
		return give_up(u, 499, "nobody reads this");
	taken = intake_take(&u->intake, in, &u->flight->body);
	if (taken == INTAKE_FULL)
		return UPLOAD_IDLE;
	if (taken == INTAKE_MORE)
		return UPLOAD_MORE;
	if (taken == INTAKE_BAD)
		return give_up(u, 400, u->intake.chunks.error);
	if (body_filled(&u->flight->body) > u->max_bytes)
		return give_up(u, 413, too_large);
	u->expected = false; /* it did not wait */
	if (taken == INTAKE_END) {
		u->done = true;
		intake_end(&u->intake, u->flight);
	}
	return UPLOAD_MOVED;
}

void
upload_end(struct upload *u)
{
	wake_cancel(&u->wake);
	if (!u->flight)
		return;
	if (!u->done)
		body_end(&u->flight->body, BODY_FAILED);
	u->done = true;
	u->expected = false;
	intake_fini(&u->intake);
	flight_unref(take_ptr(&u->flight));
}
