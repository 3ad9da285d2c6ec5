#include "l4/vs_list.h"

#include "base/mem.h"
#include "base/own.h"
#include "l4/addr.h"
#include "l4/control.h"

#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct name {
	char z[80];
};

struct long_name {
	char z[96];
};

/* --- names
 * ---------------------------------------------------------------------- */

static struct name
end_name(const union l4_addr *a, uint16_t port)
{
	struct name n;

	snprintf(n.z, sizeof(n.z), addr_is4(a) ? "%s:%u" : "[%s]:%u",
		addr_text(a).z, port);
	return n;
}

static const char *
proto_name(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "TCP" : "UDP";
}

static struct long_name
service_name(const struct rules_id *id)
{
	struct long_name n;

	if (id->mark)
		snprintf(n.z, sizeof(n.z), "FWM  %u%s", id->mark,
			id->v6 ? " IPv6" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s  %s", proto_name(id->proto),
			end_name(&id->addr, id->port).z);
	return n;
}

static unsigned
mask_bits(const union l4_addr *m)
{
	const uint8_t *p = (const uint8_t *)m;
	unsigned bits = 0;

	while (bits < 128 && p[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

/* " mask M" or " -M M", unless it's the whole address. */
static void
put_mask(const struct rules_service *s, const char *before, struct buf *out)
{
	union l4_addr m = s->mask;

	if (mask_bits(&m) == 128)
		return;
	if (s->id.v6) {
		buf_printf(out, "%s%u", before, mask_bits(&m));
		return;
	}
	m.w[2] = htonl(0xffff);
	m.w[0] = m.w[1] = 0;
	buf_printf(out, "%s%s", before, addr_text(&m).z);
}

/* "sh-fallback,sh-port" */
static struct name
flag_names(const struct rules_service *s)
{
	const char *sh = s->scheduler == L4_sh ? "sh-" : "mh-";
	bool hash = s->scheduler == L4_sh || s->scheduler == L4_mh;
	bool back = s->flags & L4_HASH_FALLBACK, port = s->flags & L4_HASH_PORT;
	struct name n = {""};

	if (hash)
		snprintf(n.z, sizeof(n.z), "%s%s%s%s%s", back ? sh : "",
			back ? "fallback" : "", back && port ? "," : "",
			port ? sh : "", port ? "port" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s%s%s", back ? "flag-1" : "",
			back && port ? "," : "", port ? "flag-2" : "");
	return n;
}

/* --- order
 * ------------------------------------------------------------------------ */

static int
compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_services(const void *pa, const void *pb)
{
	const struct rules_id *a = &(*(struct rules_service *const *)pa)->id;
	const struct rules_id *b = &(*(struct rules_service *const *)pb)->id;
	int r = compare_u64(a->mark, b->mark);

	r = r ? r : compare_u64(a->v6, b->v6);
	r = r ? r : compare_u64(a->proto, b->proto);
	r = r ? r : memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : compare_u64(a->port, b->port);
}

static int
compare_servers(const void *pa, const void *pb)
{
	const struct rules_server *a = *(struct rules_server *const *)pa;
	const struct rules_server *b = *(struct rules_server *const *)pb;
	int r = compare_u64(addr_is4(&b->addr), addr_is4(&a->addr));

	r = r ? r : memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : compare_u64(a->port, b->port);
}

/* Pointers to n elements of a size, in order; owned by the caller. */
static void **
sorted(void *v, size_t n, size_t size,
	int (*compare)(const void *, const void *))
{
	void **p = xcalloc(n + 1, sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = (char *)v + i * size;
	if (compare)
		qsort(p, n, sizeof(*p), compare);
	return p;
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
	if (*flag_names(s).z)
		buf_printf(out, " (%s)", flag_names(s).z);
	if (s->flags & L4_PERSISTENT) {
		buf_printf(out, " persistent %u", s->persist_s);
		put_mask(s, " mask ", out);
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

static struct name
tunnel_name(const struct rules_server *s)
{
	struct name n = {"n/a"};

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
	buf_printf(out, "  -> %-28s", end_name(&server->addr, server->port).z);
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
	own_free void **servers = sorted(s->servers, s->nservers,
		sizeof(*s->servers), sort ? compare_servers : NULL);

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
		proto_name(f->proto), f->left_s / 60, f->left_s % 60,
		state_name(f), end_name(&f->client, f->client_port).z,
		end_name(&f->vip, f->vip_port).z,
		end_name(&f->server, f->server_port).z);
}

static void
add_flow(void *arg, const struct driver_flow *f)
{
	json_array_append_new(arg,
		json_pack("{ss ss ss ss ss sI sb}", "protocol",
			proto_name(f->proto), "state", state_name(f), "source",
			end_name(&f->client, f->client_port).z, "virtual",
			end_name(&f->vip, f->vip_port).z, "destination",
			end_name(&f->server, f->server_port).z, "expires_s",
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
		end_name(&server->addr, server->port).z, "forward",
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
			json_sprintf("%s %s", proto_name(s->ends[i].proto),
				end_name(&s->ends[i].addr, s->ends[i].port).z));
	return json_pack("{ss ss ss sI sb so so so}", "service",
		service_name(&s->id).z, "scheduler",
		rules_scheduler_name(s->scheduler), "flags", flag_names(s).z,
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
	own_free void **services = sorted(r->services, r->n,
		sizeof(*r->services), sort ? compare_services : NULL);
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

/* --- saving
 * ------------------------------------------------------------------------------------
 */

static struct long_name
save_name(const struct rules_id *id)
{
	struct long_name n;

	if (id->mark)
		snprintf(n.z, sizeof(n.z), "-f %u%s", id->mark,
			id->v6 ? " -6" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s %s",
			id->proto == IPPROTO_TCP ? "-t" : "-u",
			end_name(&id->addr, id->port).z);
	return n;
}

static void
save_service(const struct rules_service *s, struct buf *out)
{
	buf_printf(out, "-A %s -s %s", save_name(&s->id).z,
		rules_scheduler_name(s->scheduler));
	if (s->flags & L4_PERSISTENT) {
		buf_printf(out, " -p %u", s->persist_s);
		put_mask(s, " -M ", out);
	}
	if (s->flags & L4_ONE_PACKET)
		buf_z(out, " -o");
	if (*flag_names(s).z)
		buf_printf(out, " -b %s", flag_names(s).z);
	buf_z(out, "\n");
	for (size_t i = 0; i < s->nends; i++) {
		struct rules_id end = {.proto = s->ends[i].proto,
			.addr = s->ends[i].addr,
			.port = s->ends[i].port};

		buf_printf(out, "--add-end -f %u %s\n", s->id.mark,
			save_name(&end).z);
	}
}

static void
save_server(const struct rules_service *s, const struct rules_server *server,
	struct buf *out)
{
	static const char *const methods[] = {"-g", "-i", "-m", "-g"};
	static const char *const tunnels[] = {"ipip", "gue", "gre"};

	buf_printf(out, "-a %s -r %s %s -w %d", save_name(&s->id).z,
		end_name(&server->addr, server->port).z,
		methods[server->method], server->weight);
	if (server->method == L4_TUNNEL)
		buf_printf(out, " --tun-type %s", tunnels[server->tun]);
	if (server->method == L4_TUNNEL && server->tun != L4_IPIP) {
		if (server->tun_port)
			buf_printf(out, " --tun-port %u", server->tun_port);
		buf_z(out, " --tun-nocsum");
	}
	if (server->upper)
		buf_printf(out, " -x %u", server->upper);
	if (server->lower)
		buf_printf(out, " -y %u", server->lower);
	buf_z(out, "\n");
}

void
vs_save(struct control *c, struct buf *out)
{
	const struct rules *r = control_rules(c);
	const struct driver *d = control_driver(c);
	own_free void **services = sorted(
		r->services, r->n, sizeof(*r->services), compare_services);
	uint32_t t[3];

	d->ops->timeouts(d->ctx, t);
	if (t[0] != 900 || t[1] != 120 || t[2] != 300) /* the presets */
		buf_printf(out, "--set %u %u %u\n", t[0], t[1], t[2]);
	for (size_t i = 0; i < r->n; i++) {
		const struct rules_service *s = services[i];
		own_free void **servers = sorted(s->servers, s->nservers,
			sizeof(*s->servers), compare_servers);

		save_service(s, out);
		for (size_t k = 0; k < s->nservers; k++)
			save_server(s, servers[k], out);
	}
}
