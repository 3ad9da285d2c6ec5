#pragma once
/*
 * A TCP socket taken apart and put together again, by way of TCP_REPAIR: on a
 * socket in that mode the kernel tells the connection's state and takes it from
 * us, and closes it without a word to the other end. It needs CAP_NET_ADMIN.
 *
 * Repair does not stop reception: what arrives in between is acknowledged. So
 * the caller sees to it that nothing arrives any more, before repair_take();
 * what was on its way past that point by then is noticed.
 */
#include "handoff/snapshot.h"

enum { REPAIR_INITIAL_WINDOW = 10 /* segments; RFC 6928 */ };

enum repair_result {
	REPAIR_DONE,
	REPAIR_UNSENT, /* there is something that the client has not got */
	REPAIR_UNREAD, /* there is something of the client's to read */
	REPAIR_STATE,  /* it is not open both ways */
	REPAIR_MOVED,  /* something came in between */
	REPAIR_LOST,   /* ... when it was too late: see repair_part() */
};

/* The addresses and ports, into *s. 0 or negative errno. */
int repair_names(int fd, struct snapshot *s);
/* The rest of it, but for its stamp. The socket is what it was. */
int repair_take(int fd, struct snapshot *s);
/* The kernel forgets the connection, without a word; fd is to be closed. MOVED:
 * more has arrived than the snapshot says, and the socket is what it was. LOST:
 * so it has, and its client been told, between that and the forgetting: it is
 * lost, and the connection with it. */
int repair_part(int fd, const struct snapshot *s);
/* Puts it together: a socket, mute and in repair, in *fd. Negative errno. */
int repair_make(const struct snapshot *s, int *fd);
/* It may speak. */
int repair_finish(int fd);
/* May this process do so at all? 0 or negative errno. */
int repair_permitted(void);
