#pragma once
/*
 * struct reply: what goes back to a client for one request: interim answers,
 * the answer's head, its body framed as the head says, its trailers. From an
 * exchange, or an error of ours, to a socket.
 */
#include "base/buf.h"
#include "proxy/answer.h"

/* All zero at the start, but for what out has room for. */
struct reply {
	struct buf out; /* written ahead of the body */
	struct answer answer;
	bool head_written;
	bool ended;	      /* all of it is in out, or sent */
	uint64_t sent_bytes;  /* into the socket */
	uint64_t taken_bytes; /* of these, that had left it when last looked */
};

enum reply_state {
	REPLY_OPEN,
	REPLY_ENDED,
	REPLY_BROKEN, /* and all that there was is sent */
};

/* For the next request. */
void reply_reset(struct reply *r);
/* An interim answer's head, for who understands such and has not too much to
 * read yet. */
void
reply_interim(struct reply *r, const struct exchange *x, struct str interim);
/* The head of x's answer, which is no longer awaited; or all of it, if it is
 * ours. keep_alive: may the connection stay? Returned is whether it may then:
 * the answer's end may be the connection's. */
bool reply_head(struct reply *r, struct exchange *x, bool keep_alive);
/* An answer of ours, whole. */
void reply_error(struct reply *r, const struct node_config *config,
	bool is_head, struct route_error error, bool keep_alive);
/* After the head: moves on what is to be framed, and looks for the end. */
enum reply_state reply_body(struct reply *r, struct exchange *x);
/* How many bytes went to the socket fd: of out, then of a body that is sent as
 * it is; x may be NULL when there is none. -ENODATA: there is nothing to send;
 * -EAGAIN: there is no room, as the caller may know (full); or another negative
 * errno. */
ssize_t reply_send(struct reply *r, struct exchange *x, int fd, bool full,
	const struct pages *pages);
/* How many bytes the client's end has taken since this was last asked. Room in
 * the socket comes in large steps: one who reads slowly may long show none. */
uint64_t reply_newly_taken(struct reply *r, int fd);
