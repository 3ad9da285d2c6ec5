#pragma once
/*
 * struct fetch, for its own files only: fetch.c takes it through its course,
 * fetch_head.c reads the heads that come, fetch_accept.c does what the final
 * one demands. A fetch that has ended has no flight any more, and is buried
 * at the end of the loop's turn: whoever calls what may end it looks, or
 * returns.
 */
#include "http/cachectl.h"
#include "proxy/dial.h"
#include "proxy/fetch.h"
#include "proxy/intake.h"
#include "proxy/outgoing.h"

enum fetch_state { FETCH_DIAL, FETCH_HEAD, FETCH_BODY };

struct fetch {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->fetches */
	struct grave grave;
	enum fetch_state state;
	struct flight *flight; /* counted; we write it */
	struct asker *asker;   /* borrowed; NULL: he has left */
	enum fetch_mode mode;
	bool keep;		  /* it is going to be stored, as it looks */
	struct object *stale;	  /* counted: what we validate; or NULL */
	bool conditional;	  /* we asked for a 304, if stale is good */
	struct range part;	  /* FETCH_PART */
	uint64_t complete_length; /* ... of what it is part of; 0: none */
	struct cachectl asked;
	enum method method; /* as the origin was asked */
	char *key;	    /* owned */

	struct dial dial;
	struct upstream *up; /* owned while in use; connected */
	bool reusable;	     /* the connection, once the response is read */
	unsigned interim;    /* 1xx heads so far */
	struct timer timer;  /* from the connection on: nothing came or went
				for so long */
	int64_t asked_at_s;  /* wall clock */

	struct outgoing request;
	struct intake intake; /* of the response */
	struct tap tap;
	struct wake wake; /* room again, nobody reads, more upload */
};

/* --- fetch.c -------------------------------------------------------------- */
/* Ends it; the flight has been ended. reusable: the connection is. */
void fetch_finish(struct fetch *f, bool reusable);
/* Ends it. status: for clients that have seen no head yet. */
void fetch_fail(struct fetch *f, unsigned status, const char *why);
/* The origin has failed before its head: what is stored may do in its place
 * (RFC 5861, 4), and the fetch has ended then. status: what it said; 0:
 * nothing. */
bool fetch_rescue(struct fetch *f, unsigned status);
/* Nobody else gets the response, now or later: it is not going to be stored. */
void fetch_depart(struct fetch *f);
/* Starts the timer anew: the origin has so long for its head, and then between
 * two parts of its body; less to say that it wants a body that is held. */
void fetch_arm(struct fetch *f);
/* It needs another connection than the one it has. */
void fetch_hang_up(struct fetch *f);
/* The connection ended before the answer's head: once more, or it ends. */
void fetch_dead(struct fetch *f, const char *why);
/* Sends what there is of the request. wanted: its body need not wait any
 * more. */
void fetch_send_more(struct fetch *f, bool wanted);

/* --- fetch_head.c --------------------------------------------------------- */
/* True when there is more to do at once. */
bool fetch_step_head(struct fetch *f);
/* Ends it: both connections are a tunnel from now on. */
void fetch_become_tunnel(struct fetch *f, unsigned status, struct str fields);
/* Passes on an interim head of the origin's, or a 100 of ours when it is
 * silent. */
void fetch_tell_interim(struct fetch *f, const struct head *h);

/* --- fetch_accept.c ------------------------------------------------------- */
/* h begins up->in, and is the answer; the intake is ready for its body. True
 * when there is more to do at once. */
bool fetch_accept(struct fetch *f, const struct head *h);
