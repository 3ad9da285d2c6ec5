#include "proxy/give.h"

#include <errno.h>
#include <unistd.h>

#include "handoff/repair.h"
#include "proxy/take.h"

static struct steer *
steer_of(const struct request *q)
{
	return q->worker->node->handoff->steer;
}

/* --- may it be given? ------------------------------------------------------
 */

/* What can be told without looking at the socket; HANDOFF_REASONS: it may. */
static enum handoff_reason
objection(const struct request *q, const struct client *c, const struct peer *p)
{
	const struct exchange *x = q->x;

	if (x->upload || x->upgrade || x->head.method != METHOD_GET)
		return HANDOFF_request;
	if (!peer_takes(p))
		return HANDOFF_peer;
	if (buf_len(&q->in) > q->head_bytes || c->readable ||
		buf_len(&q->reply.out))
		return HANDOFF_ahead;
	if (c->eof || c->hung_up)
		return HANDOFF_half_closed;
	return HANDOFF_REASONS;
}

static enum handoff_reason
reason_of(int r)
{
	switch (r) {
	case REPAIR_UNSENT: return HANDOFF_unsent;
	case REPAIR_UNREAD: return HANDOFF_unread;
	case REPAIR_STATE: return HANDOFF_state;
	default: return HANDOFF_error;
	}
}

/* Its names, and what has been seen of its client's clock. */
static enum handoff_reason
identify(struct request *q, int fd)
{
	const struct node_config *config = q->worker->node->config;
	struct snapshot *s = &q->give.snapshot;
	struct handoff_key key;

	if (repair_names(fd, s) < 0)
		return HANDOFF_state;
	if (s->local.s_addr != config->vip.s_addr ||
		s->local_port != config->vip_port)
		return HANDOFF_address;
	key = steer_key(s);
	q->give.has_stamp = steer_stamp(steer_of(q), &key, &s->stamp);
	return HANDOFF_REASONS;
}

/* Parks its packets and looks at what the socket is like then. */
static enum handoff_reason
take_apart(struct request *q, int fd)
{
	struct give_state *g = &q->give;
	struct handoff_key key = steer_key(&g->snapshot);
	int r;

	if (steer_park(steer_of(q), &key, NULL) < 0)
		return HANDOFF_flows;
	r = repair_take(fd, &g->snapshot);
	if (r == REPAIR_DONE && (!g->snapshot.timestamps || g->has_stamp))
		return HANDOFF_REASONS;
	if (r == REPAIR_DONE)
		repair_undo(fd);
	steer_ours(steer_of(q), &key, NULL);
	return r == REPAIR_DONE ? HANDOFF_stamp : reason_of(r);
}

/* --- giving it -------------------------------------------------------------
 */

static void
on_timer(struct timer *t)
{
	struct request *q = container_of(t, struct request, give.timer);

	q->x->on_move(q->x, MOVE_ON_LATE);
}

static void
send_move(struct request *q, const struct in6_addr *addr)
{
	struct exchange *x = q->x;
	struct buf text = {0};

	take_put(&q->give.snapshot, addr, str_of(x->raw, x->head.bytes), &text);
	peer_move(q->give.peer, x, buf_view(&text));
	buf_fini(&text);
	loop_arm(q->worker->loop, &q->give.timer,
		handoff_patience_ns(q->worker));
}

/* The kernel forgets the connection. False: it would not. */
static bool
part(struct request *q, struct client *c)
{
	struct give_state *g = &q->give;
	struct handoff_key key = steer_key(&g->snapshot);
	int r = repair_part(c->io.fd, &g->snapshot);

	if (r < 0) {
		repair_undo(c->io.fd);
		steer_ours(steer_of(q), &key, NULL);
		return false;
	}
	g->lost = r != REPAIR_DONE;
	(void)close(loop_release(q->worker->loop, &c->io));
	c->readable = c->writable = false;
	q->x->moving = true;
	g->timer.on_timer = on_timer;
	return true;
}

bool
give_start(struct request *q, struct client *c, const struct in6_addr *addr,
	struct peer *p)
{
	enum handoff_reason why = objection(q, c, p);

	if (why == HANDOFF_REASONS)
		why = identify(q, c->io.fd);
	if (why == HANDOFF_REASONS)
		why = take_apart(q, c->io.fd);
	if (why == HANDOFF_REASONS && !part(q, c))
		why = HANDOFF_error;
	if (why != HANDOFF_REASONS) {
		handoff_count(q->worker, why);
		return false;
	}
	q->give.peer = p;
	q->give.state = MOVE_IDLE;
	(void)move_give(&q->give.state, MOVE_ON_START);
	/* Then the caller hears of it, and not from here. */
	if (q->give.lost)
		loop_arm(q->worker->loop, &q->give.timer, 0);
	else
		send_move(q, addr);
	return true;
}

/* --- what becomes of it ----------------------------------------------------
 */

static enum give
let_go(struct request *q)
{
	struct give_state *g = &q->give;
	struct handoff_key key = steer_key(&g->snapshot);
	struct worker *w = q->worker;
	struct in_addr to = w->node->config->peers[q->x->owner].addr;

	(void)steer_forward(steer_of(q), &key, to);
	peer_go(g->peer, q->x);
	count(&w->counters.given, 1);
	/* It counts where it is answered. */
	count(&w->counters.requests, (uint64_t)-1);
	return GIVE_GONE;
}

static int
put_together(struct request *q, struct client *c)
{
	const struct snapshot *s = &q->give.snapshot;
	struct handoff_key key = steer_key(s);
	struct steer *steer = steer_of(q);
	int fd, r;

	steer_window(steer, &key, s->cwnd);
	r = repair_make(s, &fd);
	steer_window_done(steer, &key, s->cwnd);
	if (r == 0 && (r = repair_finish(fd)) < 0)
		close(fd);
	if (r == 0 && (r = loop_watch(q->worker->loop, &c->io, fd)) < 0)
		close(fd);
	if (r == 0)
		steer_ours(steer, &key, s);
	return r;
}

static enum give
lose(struct request *q)
{
	count(&q->worker->counters.moves_failed, 1);
	q->x->moving = false;
	loop_disarm(q->worker->loop, &q->give.timer);
	steer_reset(steer_of(q), &q->give.snapshot);
	return GIVE_LOST;
}

static enum give
restore(struct request *q, struct client *c)
{
	if (put_together(q, c) == 0)
		return GIVE_BACK;
	return lose(q);
}

static void
count_back(struct worker *w, enum move_event e)
{
	handoff_count(w,
		e == MOVE_ON_REFUSED	    ? HANDOFF_refused
			: e == MOVE_ON_LATE ? HANDOFF_late
					    : HANDOFF_lost);
}

enum give
give_on(struct request *q, struct client *c, enum move_event e)
{
	struct exchange *x = q->x;
	enum move_action a;

	if (q->give.lost)
		return lose(q);
	a = move_give(&q->give.state, e);
	if (a == MOVE_IGNORE || a == MOVE_NONSENSE)
		return GIVE_WAIT;
	x->moving = false;
	loop_disarm(q->worker->loop, &q->give.timer);
	if (a == MOVE_LET_GO)
		return let_go(q);
	count_back(q->worker, e);
	if (a == MOVE_RECANT)
		peer_cancel(q->give.peer, x);
	return restore(q, c);
}

void
give_abandon(struct request *q)
{
	loop_disarm(q->worker->loop, &q->give.timer);
	steer_reset(steer_of(q), &q->give.snapshot);
}
