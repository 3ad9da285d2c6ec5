#include "proxy/conn_internal.h"
#include "proxy/give.h"

static void
follow_move(struct conn *c, enum give g)
{
	struct exchange *x = c->request->x;

	switch (g) {
	case GIVE_WAIT: break;
	case GIVE_GONE:
	case GIVE_LOST: conn_end(c); break;
	case GIVE_BACK:
		c->state = CONN_ANSWER;
		exchange_stay(x);
		conn_run(c);
		break;
	}
}

static void
on_move(struct exchange *x, enum move_event e)
{
	struct request *q = x->user;

	follow_move(q->conn, give_on(q, &q->conn->client, e));
}

static bool
on_owner(struct exchange *x, struct peer *p, bool wants)
{
	struct request *q = x->user;
	struct conn *c = q->conn;
	unsigned streak = c->owner == x->owner ? c->streak : 0;

	if ((!wants && !handoff_is_due(x, streak)) ||
		!give_start(q, &c->client, &c->addr, p))
		return false;
	c->state = CONN_GIVING;
	return true;
}

void
conn_give_may(struct conn *c, struct exchange *x)
{
	x->stay = c->taken;
	c->taken = false;
	if (c->client.worker->node->handoff)
		x->on_owner = on_owner;
	x->on_move = on_move;
}

void
conn_note_owner(struct conn *c)
{
	const struct exchange *x = c->request->x;

	if (!x || x->from != FROM_PEER) {
		c->streak = 0;
	} else if (c->streak && c->owner == x->owner) {
		c->streak = (uint8_t)(c->streak + (c->streak < UINT8_MAX));
	} else {
		c->owner = (uint8_t)x->owner;
		c->streak = 1;
	}
}
