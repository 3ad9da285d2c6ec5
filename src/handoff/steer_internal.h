#pragma once
/*
 * struct steer, for its own files only: steer_load.c gets the programs to
 * where packets come by, steer.c has the flows and looks after them,
 * steer_lost.c tells clients of connections that are lost.
 */
#include "handoff/expiry.h"
#include "handoff/park.h"
#include "handoff/steer.h"
#include "handoff/window.h"

enum { CLOSED_MS = 15000 /* the last packets of a connection */ };

/* A pass through all flows, bit by bit, for those of a node that was lost. */
struct steer_search {
	struct in_addr node;
	bool host_dead;
	unsigned passes; /* to come; 0: it is over */
	uint64_t due_ns; /* the next one */
	bool begun;	 /* it is under way, behind */
	struct handoff_key at;
};

enum { STEER_SEARCHES = 64 };

struct steer {
	struct steer_config config;
	struct steer_bpf *skel; /* owned */
	struct park *park;	/* owned */
	struct window *window;	/* owned; NULL: windows are not restored */
	int flows, stamps;	/* skel's */
	struct segment_sender sender; /* owned */
	unsigned nic;
	bool attached;
	int xdp;	       /* 0: it steers; negative errno: tc does */
	struct expiry *expiry; /* owned: of the flows that are forwarded */
	struct steer_search searches[STEER_SEARCHES];
};

/* Negative errno, and *why is what could not be done. */
int steer_load(struct steer *s, const char **why);
void steer_unload(struct steer *s);
/* Does the next part of what it searches for. */
void steer_search(struct steer *s, uint64_t now_ns);
