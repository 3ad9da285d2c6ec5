#pragma once
/*
 * struct channel, for its own files only: channel.c is its course, and what it
 * reads and writes; channel_in.c takes what came to pieces, the hello first;
 * channel_out.c puts frames together.
 */
#include "handoff/seal.h"
#include "proxy/channel.h"
#include "proxy/lines.h"
#include "proxy/membership.h"
#include "proxy/worker.h"

enum {
	/* How many bytes are sealed, how many follow them as they are, 20 bits
	 * each, a tag, and all of these: frames. Those that come when there is
	 * so much make another record. */
	RECORD_BITS = 20,
	RECORD_LENGTHS = 2 * RECORD_BITS / 8,
	RECORD_HEADER = RECORD_LENGTHS + SEAL_BYTES,
	RECORD_FULL = 64 * 1024,
	RECORD_MAX = RECORD_FULL + WIRE_HEADER + WIRE_MAX,
	/* Less of a body is sealed with the rest, which costs no more than to
	 * begin another record. */
	CLEAR_MIN = 2048,
};

struct channel {
	struct source io;
	struct worker *worker;	   /* borrowed */
	struct channel_user *user; /* borrowed; NULL after on_down */
	struct list link;	   /* in worker->channels */
	struct grave grave;
	struct timer timer;
	struct task flush;
	struct in_addr addr;
	int peer;	     /* index */
	uint64_t key;	     /* see hello.h */
	struct buf said;     /* our hello, until we have theirs */
	struct hello theirs; /* once there is one */
	bool accepted, up, writable;
	bool host_silent;   /* see channel_host_is_silent() */
	bool hung_up;	    /* the end is to be read, behind what is there */
	const char *ending; /* why it is about to end */
	unsigned unheard;   /* pings since its last word */
	bool spoke;	    /* we said more than a ping since the timer ran */
	uint64_t busy_ns;   /* when we read or wrote last */
	struct seal *seal_in, *seal_out; /* owned; NULL: none, or not yet */
	struct tickets tickets;
	struct lines *heads; /* owned; NULL until there is one */
	struct buf in;	     /* part of a frame or record, between two reads */
	struct buf out;
	size_t frame_at;  /* in out's content: the frame being written */
	size_t record_at; /* ... and what is sealed with it */
	bool record_open;
};

static inline const char *
channel_peer_name(const struct channel *ch)
{
	return membership_name(ch->worker->node, (size_t)ch->peer);
}

/* --- channel_in.c --------------------------------------------------------- */
/* Takes what is whole off the front of *in, and does what it says; what is
 * sealed is opened where it is. */
void channel_take(struct channel *ch, struct str *in);

/* --- channel_out.c -------------------------------------------------------- */
void channel_say_hello(struct channel *ch);
/* Before what is in out goes out: all frames so far are sealed, but for so many
 * bytes at the end. */
void channel_close_record(struct channel *ch, size_t clear);
