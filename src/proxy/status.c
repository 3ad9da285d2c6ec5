#include "proxy/status.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/handoff.h"
#include "proxy/handover.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/origin.h"
#include "proxy/peer.h"
#include "proxy/survey.h"

static uint64_t
load(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
add(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

static json_t *
counters_json(const struct node *n)
{
	json_t *o = json_object();

#define COUNTER(name, meaning)                                      \
	{                                                           \
		uint64_t sum = 0;                                   \
		for (unsigned i = 0; i < n->config->workers; i++)   \
			sum += load(&n->workers[i]->counters.name); \
		add(o, #name, sum);                                 \
	}
#include "proxy/counters.def"
#undef COUNTER
	uint64_t connections = 0;

	for (unsigned i = 0; i < n->config->workers; i++)
		connections += load(&n->workers[i]->connections);
	add(o, "connections", connections);
	add(o, "objects", store_count(n->store));
	add(o, "cache_bytes", store_bytes(n->store));
	return o;
}

static json_t *
reasons_json(const struct node *n)
{
	static const char *const names[] = {
#define REASON(name, text) #name,
#include "proxy/handoff_reasons.def"
#undef REASON
	};
	json_t *o = json_object();

	for (unsigned r = 0; r < HANDOFF_REASONS; r++) {
		uint64_t total = 0;

		for (unsigned i = 0; i < n->config->workers; i++)
			total += load(&n->workers[i]->stayed[r]);
		add(o, names[r], total);
	}
	return o;
}

/* NULL: no connection is moved. */
static json_t *
handoff_json(const struct node *n)
{
	static const char *const names[] = {
#define VERDICT(name, text) #name,
#include "handoff/verdicts.def"
#undef VERDICT
	};
	json_t *o, *packets = json_object();
	struct steer_counts c;

	steer_counts(n->handoff->steer, &c);
	for (unsigned v = 0; v < HANDOFF_VERDICTS; v++)
		add(packets, names[v], c.verdict[v]);
	add(packets, "parked_now", c.parked);
	add(packets, "park_dropped", c.park_dropped);
	o = json_pack("{s:s, s:b, s:o, s:o}", "hook",
		steer_xdp(n->handoff->steer) ? "tc" : "xdp", "windows",
		c.windows, "packets", packets, "stayed", reasons_json(n));
	add(o, "flows", c.flows);
	add(o, "threshold_bytes", n->handoff->threshold_bytes);
	return o;
}

static json_t *
origin_json(const struct origin *o)
{
	char name[NI_MAXHOST + 16];

	snprintf(name, sizeof(name), "%s:%u", o->config->host, o->config->port);
	return json_pack("{s:s, s:s, s:i, s:s, s:i}", "site", o->site->hosts[0],
		"origin", name, "weight", (int)o->config->weight, "state",
		origin_state_name(origin_state(o)), "failures",
		(int)o->failures);
}

/* As this node sees them: all, or those that are not up. */
static json_t *
origins_json(const struct node *n, bool all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n->config->nsites; i++)
		for (size_t j = 0; j < n->origins[i].n; j++) {
			const struct origin *o = &n->origins[i].v[j];

			if (all || origin_state(o) != ORIGIN_UP)
				json_array_append_new(list, origin_json(o));
		}
	return list;
}

/* The checksum, as text, of the view that this node has; its number. */
static uint64_t
view_now(const struct node *n, char *sum, size_t size)
{
	const struct places *p;
	uint64_t number;

	epoch_enter();
	p = membership_places(n);
	number = p->view.number;
	snprintf(sum, size, "%016llx", (unsigned long long)p->checksum);
	epoch_leave();
	return number;
}

static void
put_handover(const struct node *n, json_t *o)
{
	uint64_t given, left;
	enum handover_state state = handover_state(n, &given, &left);

	if (state == HANDOVER_NONE)
		return;
	json_object_set_new(o, "handed_over",
		json_pack("{s:b, s:I, s:I}", "done", state == HANDOVER_DONE,
			"objects", (json_int_t)given, "left",
			(json_int_t)left));
}

static json_t *
self_json(const struct node *n)
{
	uint64_t number;
	char view[17];
	json_t *o;

	number = view_now(n, view, sizeof(view));
	o = json_pack("{s:s, s:I, s:f, s:i, s:o, s:o}", "view", view,
		"view_number", (json_int_t)number, "uptime_s",
		(double)(clock_mono_ns() - n->started_ns) / (double)NS_PER_S,
		"load", (int)heat_own_load(n), "origins_lost",
		origins_json(n, false), "counters", counters_json(n));
	put_handover(n, o);
	if (n->handoff)
		json_object_set_new(o, "handoff", handoff_json(n));
	return o;
}

char *
status_self(const struct node *n)
{
	json_t *o = self_json(n);
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	CHECK(text);
	return text;
}

/* --- the cluster: ourselves, and what our peers say ---------------------- */

struct asked_all {
	struct survey survey;
	struct admin_request *request;
	struct grave grave;
};

static void
bury(struct grave *g)
{
	free(container_of(g, struct asked_all, grave));
}

static json_t *
peer_json(const struct survey *s, size_t i)
{
	const struct node_config *config = s->worker->node->config;
	char address[INET_ADDRSTRLEN];
	struct roster_entry e;
	json_t *o;

	membership_entry(s->worker->node, i, &e);
	inet_ntop(AF_INET, &e.addr, address, sizeof(address));
	o = json_pack("{s:s, s:s, s:i, s:s, s:b, s:b}", "name", e.name,
		"address", address, "weight", (int)e.weight, "member",
		roster_state_name(e.state), "self", i == config->self, "up",
		i == config->self || s->peers[i].said);
	if (s->peers[i].said)
		json_object_update(o, s->peers[i].said);
	if (i != config->self)
		json_object_set_new(o, "linked",
			json_boolean(atomic_load(&s->worker->node->links[i]) ==
				config->workers));
	return o;
}

static void
finish(struct survey *s)
{
	struct asked_all *a = container_of(s, struct asked_all, survey);
	const struct node *n = s->worker->node;
	size_t count = membership_count(n);
	json_t *doc, *nodes = json_array();
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(nodes, peer_json(s, i));
	doc = json_pack("{s:s, s:s, s:s, s:s, s:s}", "role", "node", "name",
		n->config->peers[n->config->self].name, "cluster",
		n->config->cluster, "policy", n->config->place.policy->name,
		"vip", sock_text(n->config->vip, n->config->vip_port).z);
	json_object_update_new(doc, self_json(n));
	json_object_del(doc, "counters");
	json_object_del(doc, "origins_lost");
	json_object_del(doc, "handoff");
	json_object_set_new(doc, "origins", origins_json(n, true));
	json_object_set_new(doc, "nodes", nodes);
	text = json_dumps(doc, JSON_COMPACT);
	CHECK(text);
	admin_answer(a->request, str_z(text));
	free(text);
	json_decref(doc);
	survey_fini(s);
	loop_bury(s->worker->loop, &a->grave);
}

void
status_survey(struct worker *w, struct admin_request *request)
{
	struct asked_all *a = NEW(struct asked_all);

	a->request = request;
	a->grave.bury = bury;
	a->survey.on_end = finish;
	survey_start(&a->survey, w, self_json(w->node), WIRE_STATUS, STR(""));
}
