#include "l4/vs_list.h"

#include "base/mem.h"
#include "base/own.h"
#include "l4/addr.h"
#include "l4/control.h"
#include "l4/vs_name.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct vs_long_name
service_name(const struct rules_id *id)
{
	struct vs_long_name n;

	if (id->mark)
		snprintf(n.z, sizeof(n.z), "FWM  %u%s", id->mark,
			id->v6 ? " IPv6" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s  %s", vs_proto_name(id->proto),
			vs_end_name(&id->addr, id->port).z);
	return n;
}

/* --- numbers
 * ------------------------------------------------------------------------ */

static void
put_large(uint64_t n, bool exact, struct buf *out)
{
	static const struct {
		uint64_t below, by;
		char letter;
	} units[] = {
		{1000000000u, 1000u, 'K'},
		{100000000000u, 1000000u, 'M'},
		{100000000000000u, 1000000000u, 'G'},
		{UINT64_MAX, 1000000000000u, 'T'},
	};
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	int i = 0;

	if (exact || n < 100000000u) {
		buf_printf(out, "%*s", len <= 8 ? 9 : len + 1, text);
		return;
	}
	while (n >= units[i].below)
		i++;
	buf_printf(out, "%8llu%c", (unsigned long long)(n / units[i].by),
		units[i].letter);
}

static void
put_stats(const struct l4_stat *s, const struct control_rate *r,
	const struct vs_args *a, struct buf *out)
{
	const uint64_t v[5] = {s->connections, s->in_packets, s->out_packets,
		s->in_bytes, s->out_bytes};

	for (int i = 0; i < 5; i++)
		put_large(vs_has(a, VS_OPT_RATE) ? (uint64_t)(r->value[i] + 0.5)
						 : v[i],
			vs_has(a, VS_OPT_EXACT), out);
	buf_z(out, "\n");
}

/* --- the list
 * ------------------------------------------------------------------------ */

static void
put_title(const struct vs_args *a, struct buf *out)
{
	static const char server[] = "  -> RemoteAddress:Port\n";
	const char *names[5] = {
		"Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"};
	const char *rates[5] = {"CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"};
	const char **n = vs_has(a, VS_OPT_RATE) ? rates : names;
	static const char local[] = "Prot LocalAddress:Port";

	if (vs_has(a, VS_OPT_STATS) || vs_has(a, VS_OPT_RATE))
		buf_printf(out, "%-33s %8s %8s %8s %8s %8s\n%s", local, n[0],
			n[1], n[2], n[3], n[4], server);
	else if (vs_has(a, VS_OPT_THRESHOLDS))
		buf_printf(out, "%-33s %-10s %-10s %-10s %-10s\n%s", local,
			"Uthreshold", "Lthreshold", "ActiveConn", "InActConn",
			server);
	else if (vs_has(a, VS_OPT_PERSIST_CONN))
		buf_printf(out, "%-33s %-9s %-11s %-10s %-10s\n%s", local,
			"Weight", "PersistConn", "ActiveConn", "InActConn",
			server);
	else if (vs_has(a, VS_OPT_TUN_INFO))
		buf_printf(out,
			"%s Scheduler Flags\n  -> RemoteAddress:Port           "
			"Forward TunnelInfo    Weight ActiveConn InActConn\n",
			local);
	else
		buf_printf(out,
			"%s Scheduler Flags\n  -> RemoteAddress:Port           "
			"Forward Weight ActiveConn InActConn\n",
			local);
}

static void
put_service(struct control *c, const struct rules_service *s,
	const struct vs_args *a, struct buf *out)
{
	struct control_rate rate = {{0}};
	struct l4_stat stat = {0};

	if (vs_has(a, VS_OPT_STATS) || vs_has(a, VS_OPT_RATE)) {
		control_service_counts(c, s, &stat, &rate);
		buf_printf(out, "%-33s", service_name(&s->id).z);
		put_stats(&stat, &rate, a, out);
		return;
	}
	buf_printf(out, "%s %s", service_name(&s->id).z,
		rules_scheduler_name(s->scheduler));
	if (*vs_flag_names(s).z)
		buf_printf(out, " (%s)", vs_flag_names(s).z);
	if (s->flags & L4_PERSISTENT) {
		buf_printf(out, " persistent %u", s->persist_s);
		vs_put_mask(s, " mask ", out);
	}
	if (s->flags & L4_ONE_PACKET)
		buf_z(out, " ops");
	buf_z(out, "\n");
}

static const char *
method_name(const struct rules_server *s)
{
	static const char *const names[] = {"Route", "Tunnel", "Masq", "Local"};

	return names[s->local ? L4_LOCAL : s->method];
}

static struct vs_name
tunnel_name(const struct rules_server *s)
{
	struct vs_name n = {"n/a"};

	if (s->method != L4_TUNNEL)
		return n;
	if (s->tun == L4_GUE)
		snprintf(n.z, sizeof(n.z), "gue:%u:-c", s->tun_port);
	else
		snprintf(n.z, sizeof(n.z), "%s",
			s->tun == L4_GRE ? "gre:-c" : "ipip");
	return n;
}

static void
put_server(struct control *c, const struct rules_service *s,
	const struct rules_server *server, const struct vs_args *a,
	struct buf *out)
{
	struct driver_counts n = {0};
	struct control_rate rate = {{0}};

	control_counts(c, s, server, &n, &rate);
	buf_printf(
		out, "  -> %-28s", vs_end_name(&server->addr, server->port).z);
	if (vs_has(a, VS_OPT_STATS) || vs_has(a, VS_OPT_RATE))
		put_stats(&n.stat, &rate, a, out);
	else if (vs_has(a, VS_OPT_THRESHOLDS))
		buf_printf(out, " %-10u %-10u %-10u %-10u\n", server->upper,
			server->lower, n.active, n.inactive);
	else if (vs_has(a, VS_OPT_PERSIST_CONN))
		buf_printf(out, " %-9u %-11u %-10u %-10u\n", server->weight,
			n.templates, n.active, n.inactive);
	else if (vs_has(a, VS_OPT_TUN_INFO))
		buf_printf(out, " %-7s %-13s %-6d %-10u %-10u\n",
			method_name(server), tunnel_name(server).z,
			server->weight, n.active, n.inactive);
	else
		buf_printf(out, " %-7s %-6d %-10u %-10u\n", method_name(server),
			server->weight, n.active, n.inactive);
}

static void
put_entry(struct control *c, const struct rules_service *s,
	const struct vs_args *a, struct buf *out)
{
	bool sort = !vs_has(a, VS_OPT_NOSORT);
	own_free void **servers = vs_sorted(s->servers, s->nservers,
		sizeof(*s->servers), sort ? vs_compare_servers : NULL);

	put_service(c, s, a, out);
	for (size_t i = 0; i < s->nservers; i++)
		put_server(c, s, servers[i], a, out);
}

/* --- connections
 * ----------------------------------------------------------------------- */

static const char *
state_name(const struct driver_flow *f)
{
	static const char *const names[] = {"NONE", "ESTABLISHED", "SYN_SENT",
		"SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
		"LAST_ACK", "LISTEN", "SYNACK", "UDP", "FRAGMENT"};

	return names[f->template ? L4_NONE : f->state];
}

static void
put_flow(void *arg, const struct driver_flow *f)
{
	struct buf *out = arg;

	buf_printf(out, "%-3s %02u:%02u  %-11s %-18s %-18s %s\n",
		vs_proto_name(f->proto), f->left_s / 60, f->left_s % 60,
		state_name(f), vs_end_name(&f->client, f->client_port).z,
		vs_end_name(&f->vip, f->vip_port).z,
		vs_end_name(&f->server, f->server_port).z);
}

static void
add_flow(void *arg, const struct driver_flow *f)
{
	json_array_append_new(arg,
		json_pack("{ss ss ss ss ss sI sb}", "protocol",
			vs_proto_name(f->proto), "state", state_name(f),
			"source", vs_end_name(&f->client, f->client_port).z,
			"virtual", vs_end_name(&f->vip, f->vip_port).z,
			"destination",
			vs_end_name(&f->server, f->server_port).z, "expires_s",
			(json_int_t)f->left_s, "template", f->template));
}

/* --- JSON
 * ---------------------------------------------------------------------------------
 */

static json_t *
stat_json(const struct l4_stat *s, const struct control_rate *r)
{
	return json_pack("{sI sI sI sI sI sf sf sf sf sf}", "connections",
		(json_int_t)s->connections, "in_packets",
		(json_int_t)s->in_packets, "out_packets",
		(json_int_t)s->out_packets, "in_bytes", (json_int_t)s->in_bytes,
		"out_bytes", (json_int_t)s->out_bytes, "connections_per_s",
		r->value[0], "in_packets_per_s", r->value[1],
		"out_packets_per_s", r->value[2], "in_bytes_per_s", r->value[3],
		"out_bytes_per_s", r->value[4]);
}

static json_t *
server_json(struct control *c, const struct rules_service *s,
	const struct rules_server *server)
{
	const struct control_target *t = control_target(c, &server->addr);
	struct driver_counts n = {0};
	struct control_rate rate = {{0}};
	char mac[18] = "";

	control_counts(c, s, server, &n, &rate);
	if (t && t->has_mac)
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
			t->mac[0], t->mac[1], t->mac[2], t->mac[3], t->mac[4],
			t->mac[5]);
	return json_pack("{ss ss ss si sI sI sI sI sI sb ss? so}", "server",
		vs_end_name(&server->addr, server->port).z, "forward",
		method_name(server), "tunnel", tunnel_name(server).z, "weight",
		server->weight, "u_threshold", (json_int_t)server->upper,
		"l_threshold", (json_int_t)server->lower, "active",
		(json_int_t)n.active, "inactive", (json_int_t)n.inactive,
		"templates", (json_int_t)n.templates, "up",
		!server->down && (server->resolved || server->local || !t),
		"mac", *mac ? mac : NULL, "stats", stat_json(&n.stat, &rate));
}

static json_t *
service_json(struct control *c, const struct rules_service *s)
{
	json_t *servers = json_array(), *ends = json_array();
	struct control_rate rate = {{0}};
	struct l4_stat stat = {0};

	control_service_counts(c, s, &stat, &rate);
	for (size_t i = 0; i < s->nservers; i++)
		json_array_append_new(
			servers, server_json(c, s, &s->servers[i]));
	for (size_t i = 0; i < s->nends; i++)
		json_array_append_new(ends,
			json_sprintf("%s %s", vs_proto_name(s->ends[i].proto),
				vs_end_name(&s->ends[i].addr, s->ends[i].port)
					.z));
	return json_pack("{ss ss ss sI sb so so so}", "service",
		service_name(&s->id).z, "scheduler",
		rules_scheduler_name(s->scheduler), "flags", vs_flag_names(s).z,
		"persistent_s",
		(json_int_t)(s->flags & L4_PERSISTENT ? s->persist_s : 0),
		"one_packet", s->flags & L4_ONE_PACKET, "ends", ends, "servers",
		servers, "stats", stat_json(&stat, &rate));
}

static void
put_json(json_t *doc, struct buf *out)
{
	own_free char *text = json_dumps(doc, JSON_INDENT(2));

	buf_printf(out, "%s\n", text ? text : "null");
	json_decref(doc);
}

/* --- all
 * ------------------------------------------------------------------------------------
 */

static void
list_connections(struct control *c, const struct vs_args *a, struct buf *out)
{
	const struct driver *d = control_driver(c);
	json_t *all;

	if (vs_has(a, VS_OPT_JSON)) {
		all = json_array();
		d->ops->flows(d->ctx, control_rules(c), add_flow, all);
		put_json(all, out);
		return;
	}
	buf_z(out,
		"IPVS connection entries\n"
		"pro expire state       source             virtual          "
		"  destination\n");
	d->ops->flows(d->ctx, control_rules(c), put_flow, out);
}

static void
list_services(struct control *c, const struct rules_service *one,
	const struct vs_args *a, struct buf *out)
{
	const struct rules *r = control_rules(c);
	const struct driver *d = control_driver(c);
	bool sort = !vs_has(a, VS_OPT_NOSORT);
	own_free void **services = vs_sorted(r->services, r->n,
		sizeof(*r->services), sort ? vs_compare_services : NULL);
	json_t *all = json_array();

	if (!vs_has(a, VS_OPT_JSON)) {
		if (!one)
			buf_printf(out,
				"IP Virtual Server version 1.2.1 (size=%u)\n",
				d->ops->size(d->ctx));
		put_title(a, out);
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct rules_service *s = services[i];

		if (one && s != one)
			continue;
		if (vs_has(a, VS_OPT_JSON))
			json_array_append_new(all, service_json(c, s));
		else
			put_entry(c, s, a, out);
	}
	if (vs_has(a, VS_OPT_JSON))
		put_json(all, out);
	else
		json_decref(all);
}

bool
vs_list(struct control *c, const struct vs_args *a, struct buf *out)
{
	const struct driver *d = control_driver(c);
	const struct rules_service *one = NULL;
	uint32_t s[3];

	if (vs_has(a, VS_OPT_CONNECTION)) {
		list_connections(c, a, out);
		return true;
	}
	if (vs_has(a, VS_OPT_TIMEOUT)) {
		d->ops->timeouts(d->ctx, s);
		buf_printf(out, "Timeout (tcp tcpfin udp): %u %u %u\n", s[0],
			s[1], s[2]);
		return true;
	}
	if (vs_has(a, VS_OPT_DAEMON))
		return true; /* there is none */
	if (a->service.id.mark || a->service.id.proto) {
		one = rules_find(control_rules(c), &a->service.id);
		if (!one)
			return false;
	}
	list_services(c, one, a, out);
	return true;
}
