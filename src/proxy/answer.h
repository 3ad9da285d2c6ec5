#pragma once
/*
 * The head of an answer, written out: the object's fields, and those that each
 * answer makes anew: Age, Via, Cache-Status (RFC 9211), the framing.
 */
#include "base/buf.h"
#include "proxy/exchange.h"

enum answer_framing {
	ANSWER_NO_BODY, /* HEAD, 204, 304 */
	ANSWER_LENGTH,
	ANSWER_CHUNKED,
	ANSWER_CLOSE, /* HTTP/1.0, and no length known */
};

struct answer {
	enum answer_framing framing;
	uint64_t length; /* for ANSWER_LENGTH */
	unsigned status;
};

/* The object must be READY. keep_alive: the connection stays, if the framing
 * allows. */
struct answer
answer_to_client(struct exchange *x, bool keep_alive, struct buf *out);
/* For the peer channel, which has the status and frames the body itself: the
 * fields, each with its line's end. To HEAD the framing is as to GET. */
struct answer answer_to_peer(struct exchange *x, struct buf *out);
/* Of a tunnel that begins, with 101 or to CONNECT. */
void answer_tunnel(const struct exchange *x, struct buf *out);
/* An interim answer that came from elsewhere, as it goes on. */
void answer_interim(
	struct str via, unsigned status, struct str fields, struct buf *out);
/* To an OPTIONS that is for us. */
void answer_options(const char *node, bool keep_alive, struct buf *out);
/* An error of ours, whole: head and a line of text unless to HEAD. */
void answer_error(const char *node, bool is_head, unsigned status,
	const char *why, bool keep_alive, struct buf *out);
