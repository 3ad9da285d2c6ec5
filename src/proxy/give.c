#include "proxy/give.h"

#include <errno.h>
#include <unistd.h>

#include "handoff/repair.h"
#include "proxy/membership.h"

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

	/* Of TLS the request itself says nothing. */
	if (x->upload || x->upgrade || x->tls || x->head.method != METHOD_GET)
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

static enum handoff_reason
identify(struct request *q, int fd)
{
	struct snapshot *s = &q->give.snapshot;

	if (repair_names(fd, s) < 0)
		return HANDOFF_state;
	return handoff_is_ours(q->worker->node->config, s) ? HANDOFF_REASONS
							   : HANDOFF_address;
}

/* Parks its packets and looks at what the socket is like then, and at what has
 * been seen of its client's clock. */
static enum handoff_reason
look_at(struct request *q, int fd)
{
	struct snapshot *s = &q->give.snapshot;
	struct handoff_key key = steer_key(s);
	int r;

	if (steer_park(steer_of(q), &key, NULL) < 0)
		return HANDOFF_flows;
	r = repair_take(fd, s);
	if (r == REPAIR_DONE &&
		(!s->timestamps ||
			steer_stamp(steer_of(q), &key, s->rcv_nxt, &s->stamp)))
		return HANDOFF_REASONS;
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
	peer_move(q->give.peer, q->x, &q->give.snapshot, addr);
	loop_arm(q->worker->loop, &q->give.timer,
		handoff_patience_ns(q->worker));
}

bool
give_start(struct request *q, struct client *c, const struct in6_addr *addr,
	struct peer *p)
{
	enum handoff_reason why = objection(q, c, p);

	if (why == HANDOFF_REASONS)
		why = identify(q, c->io.fd);
	if (why == HANDOFF_REASONS)
		why = look_at(q, c->io.fd);
	if (why != HANDOFF_REASONS) {
		handoff_count(q->worker, why);
		return false;
	}
	q->give.peer = p;
	q->give.state = MOVE_IDLE;
	q->give.timer.on_timer = on_timer;
	q->x->moving = true;
	(void)move_give(&q->give.state, MOVE_ON_START);
	send_move(q, addr);
	return true;
}

/* --- what becomes of it ----------------------------------------------------
 */

/* It counts where it is answered, if anywhere. */
static void
uncount(struct worker *w)
{
	count(&w->counters.requests, (uint64_t)-1);
}

static enum give
let_go(struct request *q, struct client *c)
{
	struct give_state *g = &q->give;
	struct worker *w = q->worker;
	struct in_addr to = membership_addr(w->node, q->x->owner);

	(void)close(loop_release(w->loop, &c->io));
	(void)steer_forward(steer_of(q), &g->snapshot, to);
	peer_go(g->peer, q->x);
	count(&w->counters.given, 1);
	uncount(w);
	return GIVE_GONE;
}

/* The client believes to have said what nobody has. */
static enum give
lose(struct request *q)
{
	count(&q->worker->counters.moves_failed, 1);
	uncount(q->worker);
	peer_cancel(q->give.peer, q->x);
	steer_reset(steer_of(q), &q->give.snapshot);
	return GIVE_LOST;
}

static void
count_back(struct worker *w, enum move_event e, int parted)
{
	enum handoff_reason why = HANDOFF_lost;

	if (e == MOVE_ON_REFUSED)
		why = HANDOFF_refused;
	else if (e == MOVE_ON_LATE)
		why = HANDOFF_late;
	else if (e == MOVE_ON_FAILED)
		why = parted < 0 ? HANDOFF_error : HANDOFF_unread;
	handoff_count(w, why);
}

enum give
give_on(struct request *q, struct client *c, enum move_event e)
{
	struct handoff_key key = steer_key(&q->give.snapshot);
	struct exchange *x = q->x;
	enum move_action a;
	int parted = 0;

	if (e == MOVE_ON_TAKEN) {
		parted = repair_part(c->io.fd, &q->give.snapshot);
		if (parted != REPAIR_DONE)
			e = MOVE_ON_FAILED;
	}
	a = move_give(&q->give.state, e);
	if (a == MOVE_IGNORE || a == MOVE_NONSENSE)
		return GIVE_WAIT;
	x->moving = false;
	loop_disarm(q->worker->loop, &q->give.timer);
	if (a == MOVE_LET_GO)
		return let_go(q, c);
	if (parted == REPAIR_LOST)
		return lose(q);
	count_back(q->worker, e, parted);
	if (a == MOVE_RECANT)
		peer_cancel(q->give.peer, x);
	steer_ours(steer_of(q), &key, NULL);
	return GIVE_BACK;
}

void
give_abandon(struct request *q)
{
	struct handoff_key key = steer_key(&q->give.snapshot);

	q->x->moving = false;
	uncount(q->worker);
	loop_disarm(q->worker->loop, &q->give.timer);
	steer_ours(steer_of(q), &key, NULL);
}
