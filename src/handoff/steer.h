#pragma once
/*
 * struct steer: where the packets of connections go that were moved to other
 * nodes: this process's end of bpf/steer.h's programs and bpf/window.bpf.c, and
 * the park between them. One per node; any thread may call these, but for
 * steer_on_readable(), steer_lost() and steer_sweep(), which one thread has to.
 *
 * The programs and their flows stay attached when the process ends while there
 * are connections that they steer: whoever is started next goes on with them.
 */
#include "handoff/abi.h"
#include "handoff/snapshot.h"

struct steer;

struct steer_config {
	struct in_addr vip;
	struct in6_addr vip6; /* zero: there is none */
	uint16_t vip_port;
	struct in_addr self; /* an address of the interface at which clients'
				packets arrive */
	uint64_t idle_ns;    /* after so long without a packet, a connection
				is no more */
	bool xdp;	     /* at XDP, if the interface's driver has that, and
				nobody else is there; else, at tc */
};

/* Negative errno, and *why is what could not be done: static text. */
int steer_open(const struct steer_config *config, struct steer **out,
	const char **why);
void steer_close(struct steer *s); /* NULL is fine */
/* 0: at XDP. Negative errno: at tc, and why; -ENOENT, if that is what was asked
 * for. */
int steer_xdp(const struct steer *s);

struct handoff_key steer_key(const struct snapshot *s);
/* Its packets are kept from now on. 1, if *before (NULL: of no interest) is
 * where they went until now; 0: to our own TCP. -E2BIG: there are too many
 * flows. */
int steer_park(struct steer *s, const struct handoff_key *key,
	struct handoff_flow *before);
/* They go where they went before, those that were kept too. */
void steer_back(struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *before);
/* Those of a connection that was like that go to that node from now on, those
 * that were kept too. */
int steer_forward(
	struct steer *s, const struct snapshot *given, struct in_addr node);
/* They are for our own TCP. primed: it is told before them what the client's
 * timestamps have come to; NULL: it is not. */
void steer_ours(struct steer *s, const struct handoff_key *key,
	const struct snapshot *primed);
/* What the client's timestamps had come to, when it sent the data that ends at
 * rcv_nxt, of which nobody else knows the number; false: unknown. */
bool steer_stamp(struct steer *s, const struct handoff_key *key,
	uint32_t rcv_nxt, uint32_t *stamp);
/* The next socket of that client begins with such a congestion window;
 * afterwards steer_window_done(). */
void
steer_window(struct steer *s, const struct handoff_key *key, uint32_t segments);
void steer_window_done(
	struct steer *s, const struct handoff_key *key, uint32_t segments);

/* The connection is nobody's any more: its client is told so. */
void steer_reset(struct steer *s, const struct snapshot *lost);
/* That node's process is lost, or its machine is dead: the clients of the
 * connections that it had from us, or perhaps has, are told so, who would wait
 * for ever for the rest of what they asked. For the thread that sweeps. */
void steer_lost(
	struct steer *s, struct in_addr node, bool host_dead, uint64_t now_ns);

/* Perhaps nobody has that connection: its client is made to say where it is, to
 * whoever its packets go to. */
void steer_ask(const struct steer *s, const struct snapshot *asked);

int steer_fd(const struct steer *s); /* to be polled; not the caller's */
void steer_on_readable(struct steer *s);
/* Now and then: collects what is idle. */
void steer_sweep(struct steer *s, uint64_t now_ns);

struct steer_counts {
	uint64_t flows;	       /* forwarded: some may have ended */
	uint64_t parked;       /* now */
	uint64_t park_dropped; /* ever */
	bool windows;	       /* can be restored */
	uint64_t verdict[HANDOFF_VERDICTS];
};
void steer_counts(struct steer *s, struct steer_counts *out);
