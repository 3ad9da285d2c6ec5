#pragma once
/*
 * struct tunnel: bytes both ways between a client and an origin, looked at by
 * nobody: behind CONNECT (RFC 9110, 9.3.6) or a 101 (7.8). It holds no memory
 * for bytes but for what one side could not take at once, at most a piece each
 * way: then the other side is not read. The end of what one side says is passed
 * on, and the other side may go on (half-close).
 *
 * It is made with the connection to the origin, and waits for the client's side
 * to be attached. Whoever owns it runs it: when the client's socket has an
 * event, and when asked to through on_ready().
 */
#include "base/buf.h"

#include <stdbool.h>

struct tunnel;
struct upstream;

enum tunnel_result {
	TUNNEL_IDLE,  /* nothing could be moved */
	TUNNEL_MOVED, /* something was; all that there is for now */
	TUNNEL_ENDED, /* both sides have said all */
	TUNNEL_BROKEN,
};

/* Takes up over, with what has been read from it already. */
struct tunnel *tunnel_new(struct upstream *up);
void tunnel_free(struct tunnel *t); /* NULL is fine */
/* fd: the client's, borrowed, writable as far as is known. first: goes to it
 * before all else, said: it has sent already; both are emptied. on_ready() is
 * called in later events, never from here. */
void tunnel_attach(struct tunnel *t, int fd, struct buf *first,
	struct buf *said, void *user, void (*on_ready)(void *user));
/* readable, writable: the client's side has had such an event since. */
enum tunnel_result tunnel_run(struct tunnel *t, bool readable, bool writable);
