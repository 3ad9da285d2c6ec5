#pragma once
/*
 * struct channel: one connection between a worker and a peer node, on which
 * many requests and answers share each write. Who dialled it asks (peer.h),
 * who accepted it answers (serve.h). It carries frames:
 *
 *	length (4, of the payload)  type (1)  zero (3)  stream (4)  payload
 *
 * in network order; the payload is at most WIRE_MAX bytes.
 *
 *	HELLO	both ways, first: see hello.h; from who dialled, then from who
 *		accepted
 *	ASK	a request head, as HTTP/1.1 would have it: opens the stream
 *	INTERIM	the head of an interim answer (1xx), before all others
 *	ANSWER	struct wire_head, the response's fields as text, all of its
 *		body; ends the stream
 *	HEAD	struct wire_head, the response's fields as text. If it names a
 *		bulk connection (bulk.h) the body comes there, and the stream
 *		ends; or else
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
 *	PING	nothing: so that silence means death
 *
 * A stream's number is the asker's choice, unique among his open ones.
 */
#include "base/buf.h"
#include "net/loop.h"
#include "proxy/hello.h"

#include <assert.h>
#include <netinet/in.h>

struct channel;
struct worker;

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
};

enum {
	WIRE_HEADER = 12,
	WIRE_MAX = 256 * 1024,
	WIRE_TURN = 16 * 1024,
	/* From so many bytes on, a body had better go past the channel, on a
	 * bulk connection; below, copying it twice costs less CPU than that. */
	WIRE_BULK_MIN = 48 * 1024,
};

/* Of a response, in network order: see answer.h for the fields' text. */
struct wire_head {
	uint16_t status;
	uint16_t zero1;
	uint32_t fields_bytes;
	uint64_t length; /* of the body; all ones: not known */
	uint32_t bulk;	 /* the number of a bulk connection; 0: none */
	uint32_t zero2;
};

#define WIRE_NO_LENGTH UINT64_MAX

static_assert(sizeof(struct wire_head) == 24, "it is sent as it is");

/* What sits on top: an asker or an answerer. */
struct channel_user {
	/* The hello was fine: peer is the index of the node at the other
	 * end. If it dialled us for bulk, the channel must be released. */
	void (*on_up)(struct channel_user *u, size_t peer,
		const struct hello *theirs);
	/* A frame other than HELLO and PING. False: it makes no sense, and
	 * the channel is closed. */
	bool (*on_frame)(struct channel_user *u, enum wire_type type,
		uint32_t stream, struct str payload);
	/* There is room for more frames; called once a turn, and when what
	 * was sent has gone out. */
	void (*fill)(struct channel_user *u);
	/* The channel has ended; it frees itself. */
	void (*on_down)(struct channel_user *u);
};

/* fd, which is taken over, was dialled for that peer. NULL, with fd closed,
 * when it can't be watched. */
struct channel *channel_dialled(struct worker *w, int fd, size_t peer,
	uint64_t key, struct channel_user *user);
/* The same, for what addr dialled. */
struct channel *channel_accepted(struct worker *w, int fd, struct in_addr addr,
	struct channel_user *user);
/* The connection is the caller's, the channel ends without on_down(). */
int channel_release(struct channel *ch);
/* Ends it, later in this turn: on_down() is called then. */
void channel_close(struct channel *ch, const char *why);
void channel_close_all(struct worker *w);

/* A frame of that, for connections that are no channel. */
void
channel_put_hello(const struct node *n, const struct hello *h, struct buf *out);
/* A frame is written at the tail of the buffer between these two. */
struct buf *channel_begin(struct channel *ch);
void channel_end(struct channel *ch, enum wire_type type, uint32_t stream);
/* Both. */
void channel_send(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload);
/* Is there room for another frame of bulk? */
bool channel_has_room(const struct channel *ch);
/* Has fill() called at the end of this turn. */
void channel_fill_later(struct channel *ch);
