#include "proxy/handover.h"

#include <stdlib.h>

#include "base/epoch.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/membership.h"
#include "proxy/owner.h"
#include "proxy/peer.h"

enum {
	AT_ONCE = 16,	 /* questions under way: others have work to do, too */
	AT_A_TIME = 256, /* objects found at a time */
	PAUSE_MS = 50,	 /* when there is nobody to ask */
};

struct gift;

struct handover {
	struct worker *worker; /* borrowed */
	struct store_walk walk;
	bool walked;
	char **keys; /* owned, each terminated: found, and not yet given */
	size_t nkeys, keys_cap;
	struct list gifts; /* under way */
	unsigned ngifts;
	struct timer timer;
};

/* A question about one key. */
struct gift {
	struct list link;
	struct handover *handover; /* borrowed */
	struct exchange *x;	   /* owned */
	struct task task;	   /* it has been answered */
};

static void go_on(struct handover *h);

/* --- one key ---------------------------------------------------------------
 */

static void
end_gift(struct gift *g)
{
	exchange_put(g->x);
	task_cancel(&g->task);
	list_remove(&g->link);
	g->handover->ngifts--;
	free(g);
}

static void
on_answered(struct task *t)
{
	struct gift *g = container_of(t, struct gift, task);
	struct handover *h = g->handover;
	struct node *n = h->worker->node;

	atomic_fetch_add(&n->handed_over, 1);
	end_gift(g);
	go_on(h);
}

/* The answer's head says that the new owner has it, or will not. */
static void
on_ready(struct exchange *x)
{
	struct gift *g = x->user;

	loop_defer(x->worker->loop, &g->task);
}

static bool
parse_key(struct exchange *x, const char *key)
{
	struct buf text = {0};
	struct str raw;

	if (!route_put_request(STR("HEAD"), str_z(key), &text))
		return false;
	raw = arena_copy(&x->arena, buf_view(&text));
	buf_fini(&text);
	x->raw = raw.p;
	x->kept = true;
	return head_parse_own_request(raw, &x->head) == HEAD_DONE;
}

static void
give(struct handover *h, const char *key)
{
	struct worker *w = h->worker;
	struct in_addr self = membership_addr(w->node, w->node->config->self);
	struct exchange *x = exchange_get(w);
	struct gift *g;

	if (!parse_key(x, key)) {
		exchange_put(x);
		return;
	}
	g = NEW(struct gift);
	g->handover = h;
	g->x = x;
	g->task.run = on_answered;
	list_push_back(&h->gifts, &g->link);
	h->ngifts++;
	x->user = g;
	x->on_ready = on_ready;
	x->fill = FILL_WARMS;
	x->client = sock_mapped(self);
	exchange_start(x, x->raw);
	if (exchange_phase(x) != EXCHANGE_WAITING)
		on_ready(x);
}

/* --- all of them -----------------------------------------------------------
 */

static void
note_key(void *ctx, const struct object *o)
{
	struct handover *h = ctx;
	struct str key = object_key(o);

	if (h->nkeys == h->keys_cap) {
		h->keys_cap = h->keys_cap ? 2 * h->keys_cap : 512;
		h->keys = xrealloc(h->keys, h->keys_cap * sizeof(*h->keys));
	}
	h->keys[h->nkeys++] = xstrndup(key.p, key.n);
}

/* Is there anybody who may own keys? */
static bool
has_owner(const struct worker *w)
{
	const struct view *v;
	bool found = false;

	epoch_enter();
	v = &membership_places(w->node)->view;
	for (size_t i = 0; i < v->nnodes; i++) {
		const struct peer *p = w->peers[v->nodes[i].member];

		found |= !v->nodes[i].out && p && peer_is_trusted(p);
	}
	epoch_leave();
	return found;
}

static void
find_more(struct handover *h)
{
	while (!h->nkeys && !h->walked)
		h->walked = !store_walk_some(h->worker->node->store, &h->walk,
			AT_A_TIME, note_key, h);
	atomic_store(&h->worker->node->to_hand_over, h->nkeys + h->ngifts);
}

static void
go_on(struct handover *h)
{
	struct worker *w = h->worker;

	if (!has_owner(w)) {
		loop_arm(w->loop, &h->timer, PAUSE_MS * NS_PER_MS);
		return;
	}
	while (h->ngifts < AT_ONCE) {
		char *key;

		find_more(h);
		if (!h->nkeys)
			break;
		key = h->keys[--h->nkeys];
		give(h, key);
		free(key);
	}
	find_more(h);
	if (h->walked && !h->nkeys && !h->ngifts &&
		atomic_load(&w->node->handover) == HANDOVER_UNDERWAY) {
		atomic_store(&w->node->handover, HANDOVER_DONE);
		log_info("handed_over objects=%llu",
			(unsigned long long)atomic_load(&w->node->handed_over));
	}
}

static void
on_timer(struct timer *t)
{
	go_on(container_of(t, struct handover, timer));
}

static void
start(struct worker *w)
{
	struct handover *h = NEW(struct handover);

	h->worker = w;
	h->timer.on_timer = on_timer;
	list_init(&h->gifts);
	w->handover = h;
	atomic_store(&w->node->handed_over, 0);
	atomic_store(&w->node->handover, HANDOVER_UNDERWAY);
	/* Others have heard of it in a moment. */
	loop_arm(w->loop, &h->timer, PAUSE_MS * NS_PER_MS);
}

void
handover_stop(struct worker *w)
{
	struct handover *h = w->handover;

	if (!h)
		return;
	w->handover = NULL;
	loop_disarm(w->loop, &h->timer);
	while (!list_empty(&h->gifts))
		end_gift(container_of(h->gifts.next, struct gift, link));
	while (h->nkeys)
		free(h->keys[--h->nkeys]);
	free(h->keys);
	free(h);
	atomic_store(&w->node->handover, HANDOVER_NONE);
}

void
handover_look(struct worker *w)
{
	struct roster_entry e;

	membership_entry(w->node, w->node->config->self, &e);
	if (e.state == ROSTER_IN)
		handover_stop(w);
	else if (!w->handover)
		start(w);
}

enum handover_state
handover_state(const struct node *n, uint64_t *given, uint64_t *left)
{
	*given = atomic_load(&n->handed_over);
	*left = atomic_load(&n->to_hand_over);
	return (enum handover_state)atomic_load(&n->handover);
}
