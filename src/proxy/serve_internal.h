#pragma once
/*
 * A peer that asks us, for its own files only: serve.c has the channel and the
 * requests on it, serve_answer.c sends what answers them, serve_question.c is
 * about what nodes ask each other besides.
 */
#include "proxy/channel.h"
#include "proxy/exchange.h"
#include "proxy/serve.h"

enum { SERVE_BUCKETS = 256 };

/* One ask that we answer. */
struct serve {
	struct server *server; /* borrowed */
	uint32_t stream;
	struct exchange *x; /* owned; or */
	struct take *take;  /* owned: a connection that is being given to us */
	uint64_t credit;    /* bytes of DATA that may still go */
	uint64_t offered;   /* the answer need not come if it is as large; 0: it
			       has to */
	bool waits;	    /* TAKE has been said */
	bool head_sent;
	bool answered;	   /* ... with all that was behind it */
	struct list link;  /* in the server's bucket */
	struct list ready; /* in server->ready: there may be more to send */
};

struct server {
	struct channel_user user;
	struct worker *worker; /* borrowed */
	struct channel *channel;
	struct depot *depot; /* owned; NULL until it is up */
	struct list buckets[SERVE_BUCKETS];
	struct list ready;   /* streams take turns, a frame each */
	struct list purging; /* struct purging_for */
	struct list spare;   /* struct serve, for those to come */
	unsigned nspare;
	struct buf head; /* of the request that is being taken */
	size_t peer;	 /* who it is, once it is up */
	struct grave grave;
};

/* --- serve.c -------------------------------------------------------------- */
void serve_end(struct serve *v);

/* --- serve_answer.c ------------------------------------------------------- */
enum serve_step { STEP_WAIT, STEP_MORE, STEP_ENDED };

/* There may be more to send. */
void serve_make_ready(struct serve *v);
/* Sends one frame of v, or a few when they are small. */
enum serve_step serve_step(struct serve *v);
/* As much of all that is ready as the channel has room for. */
void server_fill(struct channel_user *u);

/* --- serve_question.c ----------------------------------------------------- */
/* False: it makes no sense. */
bool server_on_question(struct server *s, enum wire_type type, uint32_t stream,
	struct str payload);
/* Its purges go on, but it has gone. */
void server_forget_purges(struct server *s);
