/*
 * A simulated cluster: a connection that is moved between four nodes again and
 * again, over channels that are slow and break, while its client's packets take
 * their time, come twice, in another order, or not at all. Thousands of runs,
 * each of its own seed, which is named when one goes wrong.
 *
 * Held to: one node speaks at a time; every packet that arrives meets the node
 * that has the connection, or is kept; none goes in circles; and in the end the
 * client's last packet arrives, unless a GO was lost with its channel.
 */
#include "handoff/move.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
	NODES = 4,
	EVENTS_MAX = 4096,
	SEEDS = 20000,
	MOVES = 12,
	PACKETS = 60,
	HOPS_MAX = 16,
	PATIENCE = 400, /* of a giver; units of time are a microsecond or so */
};

enum message { MOVE, TAKEN, REFUSED, GO, CANCEL };
enum kind { PACKET, MESSAGE, LATE, BREAK, NOTICE, START };

struct event {
	uint64_t at;
	unsigned order; /* of those at the same time */
	enum kind kind;
	int node, from;
	int giver, taker; /* who dialled, and whom: MESSAGE, NOTICE */
	unsigned move;	  /* its number */
	enum message m;
	int hops;
};

/* What a node has of the connection. */
enum part { NOTHING, SERVES, GIVES, HOLDS };
enum { OURS = -1, PARK = -2 }; /* or the node that packets go to */

struct node {
	enum part part;
	int flow, before;
	int other; /* the giver, or the taker */
	unsigned move;
	enum move_state state;
	int parked;
};

struct world {
	uint64_t now, seed, rng;
	struct event queue[EVENTS_MAX];
	unsigned n, order;
	struct node nodes[NODES];
	/* Of the channel that a node dialled: how many ends have yet to notice
	 * that it is lost. Until they have, nothing comes through. */
	int deaf[NODES][NODES];
	uint64_t quiet[NODES][NODES]; /* until then: messages are in order */
	unsigned moves;
	bool died;
	unsigned got, moved, restored;
};

static void
wrong(const struct world *w, const char *what)
{
	fail_msg("seed %llu, at %llu: %s", (unsigned long long)w->seed,
		(unsigned long long)w->now, what);
}

static unsigned
dice(struct world *w, unsigned n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (unsigned)(w->rng >> 33) % n;
}

static void
later(struct world *w, uint64_t delay, struct event e)
{
	if (w->n == EVENTS_MAX)
		wrong(w, "too much is under way");
	e.at = w->now + delay;
	e.order = w->order++;
	w->queue[w->n++] = e;
}

static bool
next(struct world *w, struct event *out)
{
	unsigned first = 0;

	if (!w->n)
		return false;
	for (unsigned i = 1; i < w->n; i++)
		if (w->queue[i].at < w->queue[first].at ||
			(w->queue[i].at == w->queue[first].at &&
				w->queue[i].order < w->queue[first].order))
			first = i;
	*out = w->queue[first];
	w->queue[first] = w->queue[--w->n];
	w->now = out->at;
	return true;
}

/* --- packets ---------------------------------------------------------------
 */

static void
send_packet(struct world *w, int to, int hops)
{
	struct event e = {.kind = PACKET, .node = to, .hops = hops};

	if (dice(w, 20) == 0)
		return; /* lost; its sender will see */
	later(w, 1 + dice(w, 300), e);
	if (dice(w, 20) == 0)
		later(w, 1 + dice(w, 900), e);
}

static void
flush(struct world *w, int at)
{
	for (; w->nodes[at].parked; w->nodes[at].parked--)
		later(w, 0, (struct event){.kind = PACKET, .node = at});
}

static void
on_packet(struct world *w, const struct event *e)
{
	struct node *n = &w->nodes[e->node];

	if (n->flow == PARK) {
		n->parked++;
	} else if (n->flow >= 0) {
		if (e->hops == HOPS_MAX && !w->died)
			wrong(w, "a packet goes in circles");
		if (e->hops < HOPS_MAX)
			send_packet(w, n->flow, e->hops + 1);
	} else if (n->part != SERVES) {
		if (!w->died)
			wrong(w, "a packet meets a stranger");
	} else {
		w->got++;
	}
}

/* --- messages --------------------------------------------------------------
 */

/* On the channel that the giver dialled, in order. */
static void
say(struct world *w, int from, int to, int giver, enum message m, unsigned move)
{
	int taker = giver == from ? to : from;
	uint64_t at = w->now + 1 + dice(w, dice(w, 10) ? 60 : 600);

	if (w->deaf[giver][taker]) {
		w->died |= m == GO;
		return;
	}
	if (at < w->quiet[from][to])
		at = w->quiet[from][to];
	w->quiet[from][to] = at;
	later(w, at - w->now,
		(struct event){.kind = MESSAGE,
			.node = to,
			.from = from,
			.giver = giver,
			.taker = taker,
			.m = m,
			.move = move});
}

static void
give(struct world *w, int me, enum move_event e)
{
	struct node *n = &w->nodes[me];

	switch (move_give(&n->state, e)) {
	case MOVE_SEND:
		n->part = GIVES;
		n->flow = PARK;
		say(w, me, n->other, me, MOVE, n->move);
		later(w, PATIENCE,
			(struct event){
				.kind = LATE, .node = me, .move = n->move});
		break;
	case MOVE_LET_GO:
		n->part = NOTHING;
		n->flow = n->other;
		flush(w, me);
		say(w, me, n->other, me, GO, n->move);
		break;
	case MOVE_RECANT:
		say(w, me, n->other, me, CANCEL, n->move);
		/* fallthrough */
	case MOVE_RESTORE:
		n->part = SERVES;
		n->flow = OURS;
		flush(w, me);
		w->restored++;
		break;
	case MOVE_IGNORE: break;
	default: wrong(w, "the giver is surprised");
	}
}

static void
put_back(struct world *w, int me)
{
	struct node *n = &w->nodes[me];

	n->part = NOTHING;
	n->flow = n->before;
	flush(w, me);
}

static void
take(struct world *w, int me, enum move_event e)
{
	struct node *n = &w->nodes[me];

	switch (move_take(&n->state, e)) {
	case MOVE_HOLD:
		n->part = HOLDS;
		n->before = n->flow;
		n->flow = PARK;
		say(w, me, n->other, n->other, TAKEN, n->move);
		break;
	case MOVE_REFUSE:
		say(w, me, n->other, n->other, REFUSED, n->move);
		break;
	case MOVE_SPEAK:
		n->part = SERVES;
		n->flow = OURS;
		flush(w, me);
		w->moved++;
		break;
	case MOVE_DISCARD: put_back(w, me); break;
	case MOVE_IGNORE: break;
	default: wrong(w, "the taker is surprised");
	}
}

static void
on_message(struct world *w, const struct event *e)
{
	struct node *n = &w->nodes[e->node];
	bool to_taker = e->node == e->taker;

	if (e->m == MOVE) {
		if (n->part == SERVES || n->part == GIVES)
			wrong(w, "given what it has");
		/* Of an earlier giver, whose CANCEL is still on its way: its
		 * kernel does not put together a second one. */
		if (n->part == HOLDS) {
			say(w, e->node, e->from, e->from, REFUSED, e->move);
			return;
		}
		n->other = e->from;
		n->move = e->move;
		n->state = MOVE_IDLE;
		take(w, e->node, dice(w, 8) ? MOVE_ON_START : MOVE_ON_FAILED);
		return;
	}
	/* A stream that is over has no one who listens. */
	if (n->move != e->move ||
		(to_taker ? n->part != HOLDS : n->part != GIVES))
		return;
	switch (e->m) {
	case TAKEN:
		give(w, e->node, dice(w, 16) ? MOVE_ON_TAKEN : MOVE_ON_FAILED);
		break;
	case REFUSED: give(w, e->node, MOVE_ON_REFUSED); break;
	case GO: take(w, e->node, MOVE_ON_GO); break;
	case CANCEL: take(w, e->node, MOVE_ON_CANCEL); break;
	case MOVE: break;
	}
}

/* --- what else happens ------------------------------------------------------
 */

static void
on_start(struct world *w)
{
	for (int i = 0; i < NODES; i++) {
		struct node *n = &w->nodes[i];

		if (n->part != SERVES || n->flow != OURS)
			continue;
		n->other = (i + 1 + (int)dice(w, NODES - 1)) % NODES;
		n->move = ++w->moves;
		n->state = MOVE_IDLE;
		give(w, i, MOVE_ON_START);
		return;
	}
}

/* What was under way on that channel does not arrive. */
static void
lose_messages(struct world *w, int giver, int taker)
{
	for (unsigned i = 0; i < w->n;) {
		struct event *e = &w->queue[i];

		if (e->kind != MESSAGE || e->giver != giver ||
			e->taker != taker) {
			i++;
			continue;
		}
		w->died |= e->m == GO;
		*e = w->queue[--w->n];
	}
}

/* Some channel is lost; both ends will notice. */
static void
on_break(struct world *w)
{
	int a = (int)dice(w, NODES);
	int b = (a + 1 + (int)dice(w, NODES - 1)) % NODES;
	struct event e = {.kind = NOTICE, .giver = a, .taker = b};

	if (w->deaf[a][b])
		return;
	w->deaf[a][b] = 2;
	lose_messages(w, a, b);
	e.node = a;
	later(w, 1 + dice(w, 300), e);
	e.node = b;
	later(w, 1 + dice(w, 300), e);
}

static void
on_notice(struct world *w, const struct event *e)
{
	struct node *n = &w->nodes[e->node];

	w->deaf[e->giver][e->taker]--;
	if (e->node == e->giver && n->part == GIVES && n->other == e->taker)
		give(w, e->node, MOVE_ON_LOST);
	if (e->node == e->taker && n->part == HOLDS && n->other == e->giver)
		take(w, e->node, MOVE_ON_LOST);
}

static void
check(const struct world *w)
{
	int speak = 0;

	for (int i = 0; i < NODES; i++)
		speak +=
			w->nodes[i].part == SERVES || w->nodes[i].part == GIVES;
	if (speak > 1)
		wrong(w, "two nodes have the connection");
}

static void
play(struct world *w)
{
	struct event e;

	while (next(w, &e)) {
		switch (e.kind) {
		case PACKET: on_packet(w, &e); break;
		case MESSAGE: on_message(w, &e); break;
		case LATE:
			if (w->nodes[e.node].part == GIVES &&
				w->nodes[e.node].move == e.move)
				give(w, e.node, MOVE_ON_LATE);
			break;
		case BREAK: on_break(w); break;
		case NOTICE: on_notice(w, &e); break;
		case START: on_start(w); break;
		}
		check(w);
	}
}

static void
test_runs(void **state)
{
	static struct world w;
	unsigned moved = 0, restored = 0, died = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		memset(&w, 0, sizeof(w));
		w.seed = w.rng = seed * 0x9e3779b97f4a7c15u;
		for (int i = 0; i < NODES; i++)
			w.nodes[i].flow = OURS;
		w.nodes[0].part = SERVES;
		for (int i = 0; i < PACKETS; i++)
			later(&w, dice(&w, 6000),
				(struct event){.kind = PACKET});
		for (int i = 0; i < MOVES; i++)
			later(&w, dice(&w, 6000),
				(struct event){.kind = START});
		for (unsigned i = dice(&w, 4); i > 0; i--)
			later(&w, dice(&w, 6000),
				(struct event){.kind = BREAK});
		play(&w);
		/* The client goes on until somebody has heard it. */
		for (int i = 0, before = (int)w.got;
			!w.died && (int)w.got == before; i++) {
			if (i == 1000)
				wrong(&w, "nobody hears the client");
			later(&w, 1, (struct event){.kind = PACKET});
			play(&w);
		}
		moved += w.moved;
		restored += w.restored;
		died += w.died;
	}
	print_message("%d runs: %u moved, %u restored, %u died\n", SEEDS, moved,
		restored, died);
	assert_true(moved > SEEDS && restored > SEEDS / 2 && died > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
