/* The balancer's admin socket: see balancer.h. */
#include "prog/balancer.h"
#include "prog/balancer_lost.h"
#include "prog/balancer_members.h"
#include "prog/balancer_moves.h"

#include "admin/call.h"
#include "admin/server.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/control.h"
#include "l4/pool.h"
#include "l4/vs.h"
#include "l4/xdp.h"
#include "net/sock.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

struct text {
	char z[32];
};

static struct text
mac_text(const uint8_t m[ETH_ALEN])
{
	struct text t;

	snprintf(t.z, sizeof(t.z), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
		m[2], m[3], m[4], m[5]);
	return t;
}

/* What the node has of all of the cluster's services. Its weight, which is the
 * same in each; -1: it is in none. */
static int
add_up(struct program *p, const union l4_addr *node, struct driver_counts *sum)
{
	const struct rules *r = control_rules(p->control);
	struct rules_id ids[2];
	size_t n = service_ids(p->conf, ids);
	int weight = -1;

	for (size_t i = 0; i < n; i++) {
		const struct rules_service *s = rules_find(r, &ids[i]);
		const struct rules_server *server =
			s ? rules_server(s, node, ids[i].port) : NULL;
		struct driver_counts c = {0};
		struct control_rate rate;

		if (!server)
			continue;
		control_counts(p->control, s, server, &c, &rate);
		sum->stat.connections += c.stat.connections;
		sum->stat.in_packets += c.stat.in_packets;
		sum->stat.in_bytes += c.stat.in_bytes;
		sum->active += c.active;
		sum->inactive += c.inactive;
		weight = server->weight;
	}
	return weight;
}

static json_t *
node_json(struct program *p, size_t i)
{
	const struct pool_node *n = pool_node(p->pool, i);
	const struct control_target *t = control_target(p->control, &n->addr);
	enum roster_state state = members_roster(p->members)->v[i].state;
	struct driver_counts count = {0};
	int weight = add_up(p, &n->addr, &count);
	bool here = t && t->has_mac;

	return json_pack("{ss ss ss ss? sI sb sI sI sI sI sI}", "name", n->name,
		"member", roster_state_name(state), "address",
		addr_text(&n->addr).z, "mac", here ? mac_text(t->mac).z : NULL,
		"weight", (json_int_t)(weight > 0 ? weight : 0), "up",
		n->up && (here || p->ipvs), "connections",
		(json_int_t)count.stat.connections, "packets",
		(json_int_t)count.stat.in_packets, "bytes",
		(json_int_t)count.stat.in_bytes, "active",
		(json_int_t)count.active, "inactive",
		(json_int_t)count.inactive);
}

static json_t *
verdicts_json(struct program *p)
{
	uint64_t count[L4_VERDICTS] = {0};
	json_t *o = json_object();

	if (p->balancer)
		balancer_verdicts(balancer_image(p->balancer), count);
	for (enum l4_verdict v = 0; v < L4_VERDICTS; v++)
		json_object_set_new(o, balancer_verdict_name(v),
			json_integer((json_int_t)count[v]));
	return o;
}

static json_t *
flows_json(const struct program *p)
{
	const struct l4_image *i =
		p->balancer ? balancer_image(p->balancer) : NULL;

	return json_pack("{sI sI}", "room",
		(json_int_t)(i ? (uint64_t)i->n_buckets * L4_WAYS / 2 : 0),
		"used", (json_int_t)(p->xdp ? xdp_used(p->xdp) : 0));
}

static json_t *
moves_json(const struct program *p)
{
	struct moves_counts c = moves_counts(p->moves);
	json_t *o = json_object();

	for (enum redirect r = 0; r < REDIRECTS; r++)
		json_object_set_new(o, moves_result_name(r),
			json_integer((json_int_t)c.result[r]));
	json_object_set_new(
		o, "untrusted", json_integer((json_int_t)c.untrusted));
	json_object_set_new(o, "at_once", json_integer((json_int_t)c.at_once));
	return o;
}

static json_t *
status_json(struct program *p)
{
	struct sock_text vip = sock_text(p->conf->vip, p->conf->vip_port);
	uint64_t up_s = (clock_mono_ns() - p->start_ns) / NS_PER_S;
	json_t *nodes = json_array();

	for (size_t i = 0; i < pool_count(p->pool); i++)
		json_array_append_new(nodes, node_json(p, i));
	return json_pack("{ss ss ss ss sI sb sI so so sI so so}", "role",
		"balancer", "interface", p->interface, "xdp",
		p->balancer ? balancer_mode(p->balancer) : "ipvs", "vip", vip.z,
		"uptime_s", (json_int_t)up_s, "pinned", p->pin != NULL,
		"services", (json_int_t)control_rules(p->control)->n, "flows",
		flows_json(p), "moves", moves_json(p), "lost_clients",
		(json_int_t)lost_count(p->lost), "nodes", nodes, "verdicts",
		verdicts_json(p));
}

static json_t *
vs_json(struct program *p, struct str line)
{
	json_t *ask = json_loadb(line.p, line.n, 0, NULL), *answer;
	const json_t *words = json_object_get(ask, "args");
	const char *input = json_string_value(json_object_get(ask, "input"));
	size_t n = json_array_size(words);
	own_free char **argv = xcalloc(n + 2, sizeof(*argv));
	struct buf out = {0}, err = {0};
	char name[] = "vs";
	int status;

	argv[0] = name;
	for (size_t i = 0; i < n; i++) {
		const char *w = json_string_value(json_array_get(words, i));

		argv[i + 1] = (char *)(uintptr_t)(w ? w : "");
	}
	status = vs_run(p->control, (int)n + 1, argv, str_z(input ? input : ""),
		&out, &err);
	answer = json_pack("{si ss% ss%}", "status", status, "out",
		buf_len(&out) ? buf_head(&out) : "", buf_len(&out), "err",
		buf_len(&err) ? buf_head(&err) : "", buf_len(&err));
	buf_fini(&out);
	buf_fini(&err);
	json_decref(ask);
	return answer;
}

/* Another process takes over: we go, and leave everything as it is. */
static json_t *
yield_json(struct program *p)
{
	if (!p->pin)
		return json_pack("{ss}", "error",
			"nothing is pinned, so nothing can be taken over");
	p->leave = true;
	loop_stop(p->loop);
	return json_pack("{sb}", "yielded", true);
}

static void
on_request(void *ctx, struct admin_request *request, struct str line)
{
	struct program *p = ctx;
	own_free char *text = NULL;
	json_t *json;

	if (str_eq(line, STR("status")))
		json = status_json(p);
	else if (str_starts(line, STR("vs ")))
		json = vs_json(p, str_of(line.p + 3, line.n - 3));
	else if (str_eq(line, STR("yield")))
		json = yield_json(p);
	else
		json = json_pack("{ss}", "error",
			"unknown command; there are: status, vs, yield");
	text = json_dumps(json, JSON_COMPACT);
	admin_answer(request, text ? str_z(text) : STR("{}"));
	json_decref(json);
}

int
open_admin(struct program *p, const char *path)
{
	int err = admin_listen(p->loop, path, on_request, p, &p->admin);

	if (err == -EADDRINUSE)
		return complain("another balancer answers at %s; stop it, or "
				"give this one its own --socket",
			path);
	return err ? complain("%s: %s", path, strerror(-err)) : 0;
}

int
take_over(const char *path)
{
	struct buf answer = {0};
	int r = admin_call(path, "yield\n", 5, &answer);
	bool yielded = r >= 0 && buf_len(&answer) > 2 &&
		memmem(buf_head(&answer), buf_len(&answer), "yielded", 7);

	buf_fini(&answer);
	if (r < 0)
		return 0; /* nobody there: nothing to replace */
	if (!yielded)
		return complain("the balancer at %s does not let itself be "
				"replaced; was it started with --pin none?",
			path);
	for (int i = 0; i < 500 && access(path, F_OK) == 0; i++)
		usleep(10000);
	return 0;
}
