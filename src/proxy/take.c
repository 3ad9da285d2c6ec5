#include "proxy/take.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "handoff/repair.h"
#include "proxy/conn.h"
#include "proxy/handoff.h"

enum { CWND_MAX = 1024 /* segments */ };

struct take {
	struct worker *worker; /* borrowed */
	enum move_state state;
	struct snapshot snapshot;
	struct in6_addr client;
	int fd;			    /* owned */
	struct handoff_flow before; /* what the client's packets did here */
	bool had_flow;
	struct buf head; /* of the request */
};

void
take_put(const struct snapshot *s, const struct in6_addr *client,
	struct buf *out)
{
	bool same = IN6_ARE_ADDR_EQUAL(client, &s->client);

	snapshot_put(s, out);
	buf_append(out, same ? "\0" : "\1", 1);
	if (!same)
		buf_append(out, client, sizeof(*client));
}

bool
take_parse(struct str *text, struct take_text *out)
{
	struct take_text t = {0};
	struct str rest = *text;
	uint8_t other;

	if (!snapshot_take(&rest, &t.snapshot) ||
		!str_take(&rest, &other, sizeof(other)) || other > 1)
		return false;
	t.client = t.snapshot.client;
	if (other && !str_take(&rest, &t.client, sizeof(t.client)))
		return false;
	*text = rest;
	*out = t;
	return true;
}

static struct steer *
steer_of(const struct take *t)
{
	return t->worker->node->handoff->steer;
}

static bool
is_for_us(const struct worker *w, const struct take_text *t)
{
	const struct node_config *config = w->node->config;

	return w->node->handoff && !w->stopping &&
		handoff_is_ours(config, &t->snapshot);
}

static void
take_free(struct take *t)
{
	own_fd_(&t->fd);
	buf_fini(&t->head);
	free(t);
}

/* Its packets are kept until it is clear whose it is. */
static int
put_together(struct take *t)
{
	struct handoff_key key = steer_key(&t->snapshot);
	struct steer *steer = steer_of(t);
	uint32_t cwnd =
		t->snapshot.cwnd < CWND_MAX ? t->snapshot.cwnd : CWND_MAX;
	int r;

	steer_window(steer, &key, cwnd);
	r = repair_make(&t->snapshot, &t->fd);
	steer_window_done(steer, &key, cwnd);
	if (r < 0)
		return r;
	r = steer_park(steer, &key, &t->before);
	t->had_flow = r > 0;
	return r < 0 ? r : 0;
}

struct take *
take_start(struct worker *w, const struct take_text *text)
{
	enum move_event e;
	struct take *t;

	if (!is_for_us(w, text))
		return NULL;
	t = NEW(struct take);
	t->state = MOVE_IDLE;
	t->worker = w;
	t->snapshot = text->snapshot;
	t->client = text->client;
	t->fd = -1;
	e = put_together(t) < 0 ? MOVE_ON_FAILED : MOVE_ON_START;
	if (move_take(&t->state, e) != MOVE_HOLD) {
		count(&w->counters.moves_refused, 1);
		take_free(t);
		return NULL;
	}
	buf_str(&t->head, text->head);
	return t;
}

static void
speak(struct take *t, struct in_addr giver)
{
	struct handoff_key key = steer_key(&t->snapshot);
	struct claim claim = {t->snapshot.client, t->snapshot.client_port};
	struct worker *w = t->worker;

	(void)repair_finish(t->fd);
	steer_ours(steer_of(t), &key, &t->snapshot);
	count(&w->counters.taken, 1);
	herald_tell(w->herald, &claim, giver);
	conn_start_taken(w, take_fd(&t->fd), &t->client, buf_view(&t->head),
		tenure_begin(w->node->handoff->tenures, &claim,
			loop_now_ns(w->loop)));
}

/* If he does not have it, since it was GO that was lost, nobody has, and its
 * packets go from the one to the other until a TCP tells the client. */
static void
leave(struct take *t, struct in_addr giver)
{
	(void)steer_forward(steer_of(t), &t->snapshot, giver);
	steer_ask(steer_of(t), &t->snapshot);
}

static void
put_back(struct take *t)
{
	struct handoff_key key = steer_key(&t->snapshot);

	if (t->had_flow)
		steer_back(steer_of(t), &key, &t->before);
	else
		steer_ours(steer_of(t), &key, NULL);
}

void
take_on(struct take *t, enum move_event e, struct in_addr giver)
{
	if (move_take(&t->state, e) == MOVE_SPEAK)
		speak(t, giver);
	else if (e == MOVE_ON_LOST)
		leave(t, giver);
	else
		put_back(t);
	take_free(t); /* if it is still there, in repair: without a word */
}
