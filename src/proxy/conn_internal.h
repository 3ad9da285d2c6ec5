#pragma once
/*
 * struct conn, for its own files only: conn.c is its course, conn_request.c
 * reads what the client asks, conn_give.c is about the node that owns it, whose
 * the connection may become.
 */
#include "proxy/client.h"
#include "proxy/conn.h"
#include "proxy/request.h"

#include <assert.h>

enum { CONN_SENT_AT_ONCE = 8 };

enum conn_state {
	CONN_GREETING,
	CONN_HEAD,
	CONN_ANSWER,
	CONN_GIVING,
	CONN_TUNNEL,
	CONN_LINGER,
	CONN_CLOSED
};

struct conn {
	struct client client;
	struct list link;	 /* in worker->conns */
	struct request *request; /* owned; NULL while idle */
	struct tenure *tenure;	 /* owned; NULL: it was not given to us */
	struct in6_addr addr;	 /* the client's; IPv4 is mapped */
	uint32_t lingered;	 /* bytes */
	enum conn_state state : 8;
	bool partial : 1; /* part of a head is there: its time runs */
	bool tls : 1;	  /* the proxy in front speaks it with the client */
	bool taken : 1;	  /* its next request was given to us with it */
	uint8_t owner;	  /* of what was asked for last; a peer's index */
	uint8_t streak;	  /* ... and before, in a row; 0: we are */
};

/* With malloc's own word, eight of 16 bytes. */
static_assert(sizeof(struct conn) <= 120, "what an idle client costs");

static inline const struct node_config *
conn_config(const struct conn *c)
{
	return c->client.worker->node->config;
}

static inline bool
conn_is_closed(const struct conn *c)
{
	return c->state == CONN_CLOSED;
}

/* As far as it gets for now. */
void conn_run(struct conn *c);
/* Answers that are put off are sent when there are some: few enough for all to
 * be in the processor's first cache. */
static inline void
conn_send_some(struct worker *w)
{
	if (w->nunsent >= CONN_SENT_AT_ONCE)
		conn_send_all(&w->send_unsent);
}
void conn_end(struct conn *c);
/* True when bytes came, into its request's buffer. */
bool conn_read(struct conn *c);

/* --- conn_request.c: steps; true: there may be more to do at once -------- */
bool conn_step_greeting(struct conn *c);
bool conn_step_head(struct conn *c);
/* A buffer for bytes to come. */
struct buf *conn_input(struct conn *c);
/* An error before there is an exchange. The rest of what the client sends is
 * not looked at: who can't be understood once can't be understood again. */
void conn_refuse(struct conn *c, struct route_error error);

/* --- conn_give.c --------------------------------------------------------- */
/* x is its request: other nodes may get the connection. */
void conn_give_may(struct conn *c, struct exchange *x);
/* Whose the answer was, now that it is over. */
void conn_note_owner(struct conn *c);
