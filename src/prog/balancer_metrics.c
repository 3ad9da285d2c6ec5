/* What the balancer tells other machines of itself by HTTP (admin/report.h):
 * /metrics, for Prometheus. See balancer.h. */
#include "prog/balancer.h"
#include "prog/balancer_lost.h"
#include "prog/balancer_moves.h"

#include "admin/metrics.h"
#include "admin/report.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/control.h"
#include "l4/pool.h"
#include "l4/route.h"
#include "l4/vs_name.h"
#include "l4/xdp.h"
#include "net/sock.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *action, *meaning;
} verdicts[] = {
#define VERDICT(name, action, text) {#name, #action, text},
#include "l4/verdicts.def"
#undef VERDICT
};

/* "drop_no_node" is of action "drop" and reason "no_node". */
static void
put_verdicts(struct metrics *m, const struct program *p)
{
	uint64_t count[L4_VERDICTS] = {0};

	balancer_verdicts(balancer_image(p->balancer), count);
	metrics_family(m, METRICS_COUNTER, "balancer_packets",
		"packets by what was done with them: passed to the kernel, "
		"dropped, or sent on; and why");
	for (int v = 0; v < L4_VERDICTS; v++) {
		char action[8] = "";
		const char *reason = strchr(verdicts[v].name, '_') + 1;
		const char *labels[] = {"action", action, "reason", reason,
			"meaning", verdicts[v].meaning, NULL};

		snprintf(action, sizeof(action), "%.*s",
			(int)(reason - 1 - verdicts[v].name), verdicts[v].name);
		metrics_sample(m, labels, (double)count[v]);
	}
}

static void
put_flows(struct metrics *m, const struct program *p)
{
	const struct l4_image *i = balancer_image(p->balancer);

	metrics_one(m, METRICS_GAUGE, "balancer_flows",
		"entries of the flow table that are in use",
		(double)xdp_used(p->xdp));
	metrics_one(m, METRICS_GAUGE, "balancer_flows_room",
		"flows that the table is for",
		(double)i->n_buckets * L4_WAYS / 2);
}

static void
put_moves(struct metrics *m, const struct program *p)
{
	struct moves_counts c = moves_counts(p->moves);

	metrics_family(m, METRICS_COUNTER, "balancer_moves",
		"connections that nodes said to have been given, and what was "
		"done with their flows");
	for (enum redirect r = 0; r < REDIRECTS; r++) {
		const char *labels[] = {"result", moves_result_name(r),
			"meaning", moves_result_meaning(r), NULL};

		metrics_sample(m, labels, (double)c.result[r]);
	}
	metrics_one(m, METRICS_COUNTER, "balancer_lost_clients",
		"segments sent to clients of nodes that are down, so that they "
		"hear of it",
		(double)lost_count(p->lost));
	metrics_one(m, METRICS_COUNTER, "balancer_moves_at_once",
		"of those that were done, which had just been moved",
		(double)c.at_once);
	metrics_one(m, METRICS_COUNTER, "balancer_moves_untrusted",
		"words about these that were not their node's",
		(double)c.untrusted);
}

/* --- servers of all services ---------------------------------------------- */

struct server_figures {
	const struct rules_service *service;
	const struct rules_server *server;
	struct driver_counts counts;
};

static double
connections_of(const struct server_figures *f)
{
	return (double)f->counts.stat.connections;
}

static double
packets_of(const struct server_figures *f)
{
	return (double)f->counts.stat.in_packets;
}

static double
bytes_of(const struct server_figures *f)
{
	return (double)f->counts.stat.in_bytes;
}

static double
active_of(const struct server_figures *f)
{
	return f->counts.active;
}

static double
inactive_of(const struct server_figures *f)
{
	return f->counts.inactive;
}

static double
weight_of(const struct server_figures *f)
{
	return f->server->weight;
}

static double
up_of(const struct server_figures *f)
{
	return !f->server->down;
}

static const struct {
	enum metrics_kind kind;
	const char *name, *help;
	double (*get)(const struct server_figures *f);
} families[] = {
	{METRICS_COUNTER, "balancer_server_connections",
		"connections given to the server", connections_of},
	{METRICS_COUNTER, "balancer_server_packets", "their packets",
		packets_of},
	{METRICS_COUNTER, "balancer_server_bytes",
		"their bytes, IP's headers "
		"included",
		bytes_of},
	{METRICS_GAUGE, "balancer_server_active",
		"connections that are established", active_of},
	{METRICS_GAUGE, "balancer_server_inactive", "others that are known",
		inactive_of},
	{METRICS_GAUGE, "balancer_server_weight", "0: it gets no more",
		weight_of},
	{METRICS_GAUGE, "balancer_server_up", "by its health checks", up_of},
};

static struct vs_name
service_name(const struct rules_id *id)
{
	struct vs_name n;

	if (!id->mark)
		return vs_end_name(&id->addr, id->port);
	snprintf(n.z, sizeof(n.z), "mark %u", id->mark);
	return n;
}

static void
put_server(struct metrics *m, struct program *p, size_t family,
	const struct rules_service *s, const struct rules_server *server)
{
	struct server_figures f = {s, server, {0}};
	struct vs_name service = service_name(&s->id);
	struct vs_name name = vs_end_name(&server->addr, server->port);
	const char *labels[] = {"protocol",
		s->id.mark ? "mark" : vs_proto_name(s->id.proto), "service",
		service.z, "server", name.z, NULL};
	struct control_rate rate;

	control_counts(p->control, s, server, &f.counts, &rate);
	metrics_sample(m, labels, families[family].get(&f));
}

static void
put_servers(struct metrics *m, struct program *p)
{
	const struct rules *r = control_rules(p->control);

	for (size_t k = 0; k < sizeof(families) / sizeof(families[0]); k++) {
		metrics_family(m, families[k].kind, families[k].name,
			families[k].help);
		for (size_t i = 0; i < r->n; i++)
			for (size_t j = 0; j < r->services[i].nservers; j++)
				put_server(m, p, k, &r->services[i],
					&r->services[i].servers[j]);
	}
}

static void
put_nodes(struct metrics *m, const struct program *p)
{
	metrics_family(m, METRICS_GAUGE, "balancer_node_up",
		"the cluster's nodes, by their health checks");
	for (size_t i = 0; i < pool_count(p->pool); i++) {
		const struct pool_node *n = pool_node(p->pool, i);
		const char *labels[] = {"name", n->name, NULL};

		metrics_sample(m, labels, n->up);
	}
}

/* --- all ------------------------------------------------------------------ */

static const char *
report(void *ctx, struct str path, struct buf *out)
{
	struct program *p = ctx;
	struct metrics m = {.out = out};

	if (!str_eq(path, STR("/metrics")))
		return NULL;
	if (p->balancer) {
		put_verdicts(&m, p);
		put_flows(&m, p);
		put_moves(&m, p);
	}
	put_nodes(&m, p);
	put_servers(&m, p);
	metrics_one(&m, METRICS_GAUGE, "balancer_uptime_seconds",
		"since the process's start; packets may flow for longer",
		(double)(clock_mono_ns() - p->start_ns) / (double)NS_PER_S);
	return METRICS_TYPE;
}

/* At the address by which nodes see us. */
int
open_report(struct program *p)
{
	uint16_t port = p->conf->status_port;
	union l4_addr to = member_addr(p->conf->nodes[0].addr);
	struct in_addr own;
	struct route r = {0};
	int err = port ? route_get(&to, &r) : 0;

	if (!port)
		return 0;
	own.s_addr = r.source.w[3];
	if (!err)
		err = report_listen(p->loop, own, port, report, p, &p->report);
	return err ? complain("can't say how we are at %s: %s; see "
			      "'status_port' in sevenfold.conf(5)",
			     sock_text(own, port).z, strerror(-err))
		   : 0;
}
