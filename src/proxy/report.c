#include "proxy/report.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/metrics.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "placement/census.h"
#include "proxy/handoff.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/origin.h"
#include "proxy/peer.h"

static double
load(const _Atomic uint64_t *c)
{
	return (double)atomic_load_explicit(c, memory_order_relaxed);
}

static void
put_counters(struct metrics *m, const struct node *n)
{
#define COUNTER(name, meaning)                                                \
	{                                                                     \
		double sum = 0;                                               \
		for (unsigned i = 0; i < n->config->workers; i++)             \
			sum += load(&n->workers[i]->counters.name);           \
		metrics_one(m, METRICS_COUNTER, "node_" #name, meaning, sum); \
	}
#include "proxy/counters.def"
#undef COUNTER
}

/* Why answers of others went through us although connections are moved. */
static void
put_stayed(struct metrics *m, const struct node *n)
{
	static const char *const names[] = {
#define REASON(name, text) #name,
#include "proxy/handoff_reasons.def"
#undef REASON
	};

	metrics_family(m, METRICS_COUNTER, "node_stayed",
		"answers from other nodes whose connections were not moved");
	for (unsigned r = 0; r < HANDOFF_REASONS; r++) {
		const char *labels[] = {"reason", names[r], NULL};
		double sum = 0;

		for (unsigned i = 0; i < n->config->workers; i++)
			sum += load(&n->workers[i]->stayed[r]);
		metrics_sample(m, labels, sum);
	}
}

static void
put_origins(struct metrics *m, const struct node *n)
{
	metrics_family(m, METRICS_GAUGE, "node_origin_up",
		"1: it is asked; 0: it failed");
	for (size_t i = 0; i < n->config->nsites; i++)
		for (size_t j = 0; j < n->origins[i].n; j++) {
			const struct origin *o = &n->origins[i].v[j];
			char name[NI_MAXHOST + 16];
			const char *labels[] = {"site", o->site->hosts[0],
				"origin", name, NULL};

			snprintf(name, sizeof(name), "%s:%u", o->config->host,
				o->config->port);
			metrics_sample(m, labels, origin_state(o) == ORIGIN_UP);
		}
}

/* A member that was dialled in vain, or has fallen silent. */
static bool
is_down(const struct worker *w, size_t i)
{
	return w->peers[i] && !peer_is_up(w->peers[i]) &&
		!peer_is_unknown(w->peers[i]);
}

static void
put_members(struct metrics *m, const struct worker *w)
{
	size_t count = membership_count(w->node);

	metrics_family(m, METRICS_GAUGE, "node_member_up",
		"members of the cluster, as this node sees them");
	for (size_t i = 0; i < count; i++) {
		struct roster_entry e;
		const char *labels[] = {"name", e.name, "state", NULL, NULL};

		membership_entry(w->node, i, &e);
		labels[3] = roster_state_name(e.state);
		metrics_sample(m, labels, !is_down(w, i));
	}
}

static double
view_number(const struct node *n)
{
	uint64_t number;

	epoch_enter();
	number = membership_places(n)->view.number;
	epoch_leave();
	return (double)number;
}

static void
put_metrics(const struct worker *w, struct buf *out)
{
	const struct node *n = w->node;
	struct metrics m = {.out = out};
	double connections = 0;

	for (unsigned i = 0; i < n->config->workers; i++)
		connections += load(&n->workers[i]->connections);
	put_counters(&m, n);
	put_stayed(&m, n);
	metrics_one(&m, METRICS_GAUGE, "node_connections",
		"clients' connections that are open", connections);
	metrics_one(&m, METRICS_GAUGE, "node_load", "requests under way",
		heat_own_load(n));
	metrics_one(&m, METRICS_GAUGE, "node_objects", "objects in the cache",
		(double)store_count(n->store));
	metrics_one(&m, METRICS_GAUGE, "node_cache_bytes", "their bytes",
		(double)store_bytes(n->store));
	metrics_one(&m, METRICS_GAUGE, "node_view_number",
		"changes of the cluster's members so far", view_number(n));
	metrics_one(&m, METRICS_GAUGE, "node_uptime_seconds",
		"since the node's start",
		(double)(clock_mono_ns() - n->started_ns) / (double)NS_PER_S);
	put_members(&m, w);
	put_origins(&m, n);
}

static void
put_census(const struct worker *w, struct buf *out)
{
	struct census c = {.roster.n = membership_count(w->node)};

	for (size_t i = 0; i < c.roster.n; i++) {
		membership_entry(w->node, i, &c.roster.v[i]);
		c.down[i] = is_down(w, i);
	}
	census_put(&c, out);
}

/* False: whoever asks is not to know. */
static bool
put_moves(const struct worker *w, struct str path, struct buf *out)
{
	const struct node_config *config = w->node->config;
	struct claims_question q = {.secret = config->secret,
		.cluster = config->cluster,
		.node = config->peers[config->self].name};
	struct claims *c;
	bool fine;

	if (!w->node->handoff || !claims_asked(path, &q))
		return false;
	hearers_note(w->node->handoff->hearers, &q, loop_now_ns(w->loop));
	c = NEW(struct claims);
	tenures_claim(
		w->node->handoff->tenures, q.since, loop_now_ns(w->loop), c);
	fine = claims_answer(&q, c, out) == 0;
	free(c);
	return fine;
}

const char *
report_node(void *ctx, struct str path, struct buf *out)
{
	const struct worker *w = ctx;

	if (str_eq(path, STR("/metrics"))) {
		put_metrics(w, out);
		return METRICS_TYPE;
	}
	if (str_eq(path, STR("/members"))) {
		put_census(w, out);
		return "text/plain";
	}
	return put_moves(w, path, out) ? "text/plain" : NULL;
}
