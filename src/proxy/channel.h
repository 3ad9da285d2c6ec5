#pragma once
/*
 * struct channel: one connection between a worker and a peer node, on which
 * many requests and answers share each write. Who dialled it asks (asks.h),
 * who accepted it answers (serves.h). It carries frames:
 *
 *	length (4, of the payload)  type (1)  zero (3)  stream (4)  payload
 *
 * in network order; the payload is at most WIRE_MAX bytes.
 *
 *	HELLO	both ways, first: "sevenfold 1 CLUSTER NODE CHECKSUM"
 *	ASK	a request head, as HTTP/1.1 would have it: opens the stream
 *	INTERIM	the head of an interim answer (1xx), before HEAD
 *	HEAD	a response head
 *	DATA	bytes of the body, at most WIRE_BULK at a time, within the
 *		credit that the asker has given: first BODY_WINDOW
 *	END	the body is complete; its trailers, "Name: value\r\n" each
 *	FAIL	there will be no more: "STATUS"; ends the stream
 *	CANCEL	the asker is no longer interested; ends the stream
 *	CREDIT	4 bytes: so many more bytes of DATA may come
 *	STATUS	asks for the node's own status; REPLY has it as JSON
 *	PURGE	the answerer's store lets go of something: see purge.h
 *	PING	nothing: so that silence means death
 *
 * A stream's number is the asker's choice, unique among his open ones.
 */
#include "base/str.h"
#include "net/loop.h"

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
	WIRE_PURGE,
	WIRE_INTERIM,
};

enum {
	WIRE_HEADER = 12,
	WIRE_MAX = 256 * 1024,
	WIRE_BULK = 16 * 1024,
};

/* What sits on top: an asker or an answerer. */
struct channel_user {
	/* The hello was fine: peer is the index of the node at the other
	 * end. */
	void (*on_up)(struct channel_user *u, size_t peer);
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

/* Takes fd over. dialled: the index of the peer that it was dialled for, or -1
 * when addr dialled us. NULL, with fd closed, when it can't be watched. */
struct channel *channel_new(struct worker *w, int fd, int dialled,
	struct in_addr addr, struct channel_user *user);
/* Ends it, later in this turn: on_down() is called then. */
void channel_close(struct channel *ch, const char *why);
void channel_close_all(struct worker *w);

void channel_send(struct channel *ch, enum wire_type type, uint32_t stream,
	struct str payload);
/* Is there room for another frame of bulk? */
bool channel_has_room(const struct channel *ch);
/* Has fill() called at the end of this turn. */
void channel_fill_later(struct channel *ch);
