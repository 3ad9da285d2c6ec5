#pragma once
/*
 * What nodes say to each other on a channel (channel.h), in frames, which are
 * sealed after the hellos if there is a secret:
 *
 *	type (1)  length (3, of the payload)  stream (4)  payload
 *
 * in network order; the payload is at most WIRE_MAX bytes.
 *
 *	HELLO	both ways, first: see hello.h; from who dialled, then from who
 *		accepted
 *	ASK	a client, and his request's head, as HTTP/1.1 would have it:
 *		opens the stream
 *	INTERIM	the head of an interim answer (1xx), before all others
 *	ANSWER	a wire_head, and all of the body; ends the stream
 *	HEAD	a wire_head. If it names a bulk connection (bulk.h) the body
 *		comes there, and the stream ends; or else
 *	DATA	bytes of the body, at most WIRE_TURN at a time, within the
 *		credit that the asker has given: first BODY_WINDOW
 *	END	the body is complete; its trailers, "Name: value\r\n" each; ends
 *		the stream
 *	FAIL	there will be no more: "STATUS"; ends the stream
 *	CANCEL	the asker is no longer interested; ends the stream
 *	FREE	the body on the bulk connection of that number has been taken
 *	CREDIT	4 bytes: so many more bytes of DATA may come
 *	STATUS	asks for the node's own status; REPLY has it as JSON
 *	PURGE	the answerer's store lets go of something: see purge.h
 *	FILL	as ASK, but the answerer answers by himself, and asks no peer
 *	ELSEWHERE
 *		the key is another node's, of that name; ends the stream
 *	VIEW	the roster of whoever says it: see placement/roster.h
 *	NEWS	its load and hot keys: see news.h
 *	EXPLAIN	asks what there is of a key; REPLY has it as JSON
 *	PURGED	the purge of that stream's number is done: 8 bytes, of how many
 *		objects
 *	PING	nothing, from who has said nothing else: so that silence means
 *		death
 *	OFFER	8 bytes: a size; then as ASK, the head made short (lines.h). An
 *		answer whose body is that large need not come: the connection
 *		that it is for could be moved
 *	TAKE	answers OFFER, 8 bytes: the body's size. MOVE or CANCEL follows
 *
 * Those by which a connection is moved (handoff/move.h; what it consists of is
 * in take.h) make sense on a sealed channel only.
 *
 *	MOVE	opens the stream: take this connection; or answers TAKE
 *	TAKEN	it can be
 *	REFUSED	it can't; ends the stream
 *	GO	it is the answerer's now; ends the stream
 *
 * A stream's number is the asker's choice, unique among his open ones.
 */
#include "base/buf.h"

#include <netinet/in.h>

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_ASK,
	WIRE_HEAD,
	WIRE_DATA,
	WIRE_END,
	WIRE_FAIL,
	WIRE_CANCEL,
	WIRE_CREDIT,
	WIRE_STATUS,
	WIRE_REPLY,
	WIRE_PING,
	WIRE_ANSWER,
	WIRE_PURGE,
	WIRE_FREE,
	WIRE_INTERIM,
	WIRE_FILL,
	WIRE_ELSEWHERE,
	WIRE_VIEW,
	WIRE_NEWS,
	WIRE_EXPLAIN,
	WIRE_PURGED,
	WIRE_MOVE = 32,
	WIRE_TAKEN,
	WIRE_REFUSED,
	WIRE_GO,
	WIRE_OFFER,
	WIRE_TAKE,
};

enum {
	WIRE_HEADER = 8,
	WIRE_MAX = 256 * 1024,
	WIRE_TURN = 16 * 1024,
	/* From so many bytes on, a body had better go past the channel, on a
	 * bulk connection; below, copying it twice costs less CPU than that. */
	WIRE_BULK_MIN = 48 * 1024,
};

/* A client is the length of his address, 4 or 16 (1), and his address. What an
 * origin is told of him (Forwarded) is said by who asks it. */
void wire_client_put(const struct in6_addr *client, struct buf *out);
/* Takes it off the front of *payload; IPv4 is mapped. False when it makes no
 * sense. */
bool wire_client_take(struct str *payload, struct in6_addr *out);

/* The head of a response. As bytes, in network order:
 *
 *	status (2)  load (2)  bytes of fields (4)  length (8)  bulk (4)
 *	zero (4)  fields
 */
struct wire_head {
	unsigned status;
	uint32_t bulk;	   /* the number of a bulk connection; 0: none */
	int64_t length;	   /* of the body; -1: not known, or there is none */
	struct str fields; /* "Name: value\r\n" each, as they are passed on */
	unsigned load;	   /* requests that the answerer has under way */
};

/* Writes it around fields that the caller writes in between; returned is what
 * to hand over at the end. */
size_t wire_head_begin(struct buf *out);
void wire_head_end(struct buf *out, size_t at, const struct wire_head *h);
/* Takes it off the front of *payload, from which fields are borrowed. False
 * when it makes no sense. */
bool wire_head_take(struct str *payload, struct wire_head *out);
