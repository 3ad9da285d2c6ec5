#include "proxy/purge.h"

#include <endian.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "http/uri.h"
#include "proxy/membership.h"
#include "proxy/peer.h"
#include "proxy/purge_log.h"

enum {
	TURN_MS = 1,	 /* spent in one turn of the loop */
	AT_A_TIME = 256, /* objects between two looks at the clock */
};

/* --- doing it ------------------------------------------------------------- */

struct purging;

struct asked {
	struct peer_call call;
	struct purging *purging; /* borrowed */
};

/* One that goes on for more than a turn, or has just begun. */
struct purging {
	struct worker *worker; /* borrowed */
	struct list link;      /* in worker->purges */
	struct timer timer;
	struct grave grave;
	struct purge_walk walk;
	char *what;	  /* owned */
	bool looked;	  /* through our own store */
	unsigned waiting; /* for so many peers */
	uint64_t number;  /* in the log */
	struct purge_report report;
	purge_done_fn on_done; /* NULL: nobody asks */
	void *ctx;
	struct asked asked[VIEW_MAX_NODES]; /* by member */
};

struct resending {
	struct worker *worker;
	size_t peer;
};

static void
bury(struct grave *g)
{
	struct purging *p = container_of(g, struct purging, grave);

	free(p->what);
	free(p);
}

static void
end(struct purging *p)
{
	loop_disarm(p->worker->loop, &p->timer);
	list_remove(&p->link);
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		peer_call_cancel(&p->asked[i].call);
	loop_bury(p->worker->loop, &p->grave);
}

/* --- at the peers ----------------------------------------------------------
 */

static void
conclude(struct purging *p)
{
	if (p->waiting || !p->looked)
		return;
	if (p->on_done)
		p->on_done(p->ctx, &p->report);
	end(p);
}

static void
on_purged(struct peer_call *call, struct str reply)
{
	struct asked *a = container_of(call, struct asked, call);
	struct purging *p = a->purging;
	size_t i = (size_t)(a - p->asked);
	uint64_t objects = 0;

	if (reply.p && reply.n == sizeof(objects)) {
		memcpy(&objects, reply.p, sizeof(objects));
		p->report.peers[i].outcome = PURGE_DONE;
		p->report.peers[i].objects = be64toh(objects);
	} else {
		p->report.peers[i].outcome = PURGE_LOST;
		purge_log_missed(p->worker->node->purges, i, p->number);
	}
	p->waiting--;
	conclude(p);
}

static void
tell(struct purging *p, size_t i)
{
	struct peer *peer = p->worker->peers[i];
	struct buf payload = {0};

	purge_put(&p->walk.purge, &payload);
	p->asked[i].purging = p;
	p->asked[i].call.on_reply = on_purged;
	p->report.peers[i].outcome = PURGE_PENDING;
	p->waiting++;
	peer_call(peer, &p->asked[i].call, WIRE_PURGE, buf_view(&payload));
	buf_fini(&payload);
}

/* Whoever is down is told when he is back: by us, or by whom we tell. */
static void
tell_peers(struct purging *p)
{
	for (size_t i = 0; i < VIEW_MAX_NODES; i++) {
		struct roster_entry e;

		if (!p->worker->peers[i])
			continue;
		membership_entry(p->worker->node, i, &e);
		if (e.state == ROSTER_GONE)
			continue;
		if (peer_is_up(p->worker->peers[i])) {
			tell(p, i);
			continue;
		}
		p->report.peers[i].outcome = PURGE_DOWN;
		purge_log_missed(p->worker->node->purges, i, p->number);
	}
}

/* What a peer told us he may have told nobody else. */
static void
note_those_down(struct purging *p)
{
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		if (p->worker->peers[i] && !peer_is_up(p->worker->peers[i]))
			purge_log_missed(p->worker->node->purges, i, p->number);
}

/* --- here ------------------------------------------------------------------
 */

/* For a turn. False when that was all. */
static bool
look_through(struct purging *p)
{
	uint64_t until_ns = clock_mono_ns() + TURN_MS * NS_PER_MS;

	while (store_purge_some(p->worker->node->store, &p->walk, AT_A_TIME))
		if (clock_mono_ns() > until_ns)
			return true;
	return false;
}

static void
go_on(struct purging *p)
{
	if (look_through(p)) {
		loop_arm(p->worker->loop, &p->timer, 0);
		return;
	}
	p->report.objects = p->walk.objects;
	p->looked = true;
	conclude(p);
}

static void
on_timer(struct timer *t)
{
	go_on(container_of(t, struct purging, timer));
}

static struct purging *
make(struct worker *w, const struct purge *purge, uint64_t number)
{
	struct purging *p = NEW(struct purging);

	p->worker = w;
	p->timer.on_timer = on_timer;
	p->grave.bury = bury;
	p->what = xstrndup(purge->what.p, purge->what.n);
	p->walk.purge = *purge;
	p->walk.purge.what.p = p->what;
	p->number = number;
	list_push_back(&w->purges, &p->link);
	return p;
}

static struct purging *
purging_new(struct worker *w, const struct purge *purge, purge_done_fn on_done,
	void *ctx)
{
	struct purging *p =
		make(w, purge, purge_log_add(w->node->purges, purge));

	p->on_done = on_done;
	p->ctx = ctx;
	return p;
}

void
purge_start(struct worker *w, const struct purge *purge, purge_done_fn on_done,
	void *ctx)
{
	struct purging *p = purging_new(w, purge, on_done, ctx);

	tell_peers(p);
	go_on(p);
}

void
purge_start_here(struct worker *w, const struct purge *purge,
	purge_done_fn on_done, void *ctx)
{
	struct purging *p = purging_new(w, purge, on_done, ctx);

	note_those_down(p);
	go_on(p);
}

/* A key is found at once, so nobody who asks after this finds it. */
void
purge_key(struct worker *w, struct str key)
{
	purge_start(
		w, &(struct purge){.kind = PURGE_KEY, .what = key}, NULL, NULL);
}

/* The same frames once more: it is known, and done, what they are about. */
static void
resend(void *ctx, const struct purge *purge, uint64_t number)
{
	const struct resending *r = ctx;
	struct purging *p = make(r->worker, purge, number);

	p->looked = true;
	tell(p, r->peer);
}

void
purge_resend(struct worker *w, size_t peer)
{
	purge_log_take_missed(
		w->node->purges, peer, resend, &(struct resending){w, peer});
}

void
purge_abort_all(struct worker *w)
{
	while (!list_empty(&w->purges))
		end(container_of(w->purges.next, struct purging, link));
}

/* --- as a frame ----------------------------------------------------------- */

void
purge_put(const struct purge *p, struct buf *out)
{
	const char head[2] = {(char)p->kind, p->soft};

	buf_append(out, head, sizeof(head));
	buf_str(out, p->what);
}

bool
purge_parse(struct str payload, struct purge *out)
{
	if (payload.n <= 2 || (unsigned char)payload.p[0] > PURGE_TAG ||
		(unsigned char)payload.p[1] > 1)
		return false;
	*out = (struct purge){
		.kind = (enum purge_kind)payload.p[0],
		.soft = payload.p[1],
		.what = str_of(payload.p + 2, payload.n - 2),
	};
	return true;
}

/* --- as a line ------------------------------------------------------------ */

static bool
parse_hardness(struct str word, bool *soft)
{
	*soft = str_eq(word, STR("soft"));
	return *soft || str_eq(word, STR("hard"));
}

static bool
parse_kind(struct str word, enum purge_kind *kind)
{
	static const struct {
		struct str name;
		enum purge_kind kind;
	} kinds[] = {
		{STR("url"), PURGE_KEY},
		{STR("prefix"), PURGE_PREFIX},
		{STR("tag"), PURGE_TAG},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(word, kinds[i].name)) {
			*kind = kinds[i].kind;
			return true;
		}
	return false;
}

/* Of a URL that is where keys begin, too: what is normal stays so with more
 * behind it. */
static bool
parse_url(struct str url, struct buf *key, struct str *out)
{
	struct uri u;

	if (uri_parse_target(url, &u) < 0 || u.form != URI_ABSOLUTE)
		return false;
	uri_key(&u, key);
	*out = buf_view(key);
	return true;
}

const char *
purge_parse_line(struct str args, struct buf *key, struct purge *out)
{
	struct str what = args, word = {0};
	struct purge p;

	(void)str_split(&what, ' ', &word);
	if (!parse_hardness(word, &p.soft))
		return "purge how? hard or soft";
	(void)str_split(&what, ' ', &word);
	if (!parse_kind(word, &p.kind))
		return "purge by what? url, prefix or tag";
	p.what = what;
	if (p.kind == PURGE_TAG && !what.n)
		return "a tag is missing";
	if (p.kind != PURGE_TAG && !parse_url(what, key, &p.what))
		return "that is no URL of the cache: write it as "
		       "http://HOST/PATH, or https, with what is no plain "
		       "ASCII escaped";
	*out = p;
	return NULL;
}
