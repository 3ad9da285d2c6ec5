#include "l4/rules_text.h"

#include "base/mem.h"
#include "base/own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1 /* of the text, and of all in abi.h that it goes with */

struct text {
	char z[INET6_ADDRSTRLEN];
};

static struct text
addr_text(const union l4_addr *a)
{
	struct text t;

	(void)inet_ntop(AF_INET6, a, t.z, sizeof(t.z));
	return t;
}

static bool
get_addr(const json_t *o, const char *name, union l4_addr *out)
{
	const char *z = json_string_value(json_object_get(o, name));

	return z && inet_pton(AF_INET6, z, out) == 1;
}

static uint64_t
get_u64(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* --- writing ----------------------------------------------------------------
 */

static json_t *
id_json(const struct rules_id *id)
{
	return json_pack("{sI sb si si ss}", "mark", (json_int_t)id->mark, "v6",
		id->v6, "proto", id->proto, "port", id->port, "addr",
		addr_text(&id->addr).z);
}

static json_t *
end_json(const struct rules_end *e)
{
	return json_pack("{ss si si}", "addr", addr_text(&e->addr).z, "port",
		e->port, "proto", e->proto);
}

static json_t *
mac_json(const uint8_t m[6])
{
	json_int_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | m[i];
	return json_integer(v);
}

static json_t *
server_json(const struct rules_server *s)
{
	json_t *o = json_pack("{ss si si si sI sI si si si sb}", "addr",
		addr_text(&s->addr).z, "port", s->port, "weight", s->weight,
		"last_weight", s->last_weight, "upper", (json_int_t)s->upper,
		"lower", (json_int_t)s->lower, "method", (int)s->method, "tun",
		(int)s->tun, "tun_port", s->tun_port, "tun_csum", s->tun_csum);

	json_object_update_new(o,
		json_pack("{si si sb sb sb sb so si sI sI}", "number",
			s->number, "share", s->share, "down", s->down, "lost",
			s->lost, "local", s->local, "resolved", s->resolved,
			"mac", mac_json(s->mac), "mtu", s->mtu, "ifindex",
			(json_int_t)s->ifindex, "removed_s",
			(json_int_t)s->removed_s));
	return o;
}

static json_t *
service_json(const struct rules_service *s)
{
	json_t *ends = json_array(), *servers = json_array();

	for (size_t i = 0; i < s->nends; i++)
		json_array_append_new(ends, end_json(&s->ends[i]));
	for (size_t i = 0; i < s->nservers; i++)
		json_array_append_new(servers, server_json(&s->servers[i]));
	return json_pack("{so ss si sI ss so so si}", "id", id_json(&s->id),
		"scheduler", rules_scheduler_name(s->scheduler), "flags",
		s->flags, "persist", (json_int_t)s->persist_s, "mask",
		addr_text(&s->mask).z, "ends", ends, "servers", servers,
		"number", s->number);
}

static json_t *
rules_json(const struct rules *r)
{
	json_t *services = json_array(), *fronts = json_array(),
	       *trash = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(services, service_json(&r->services[i]));
	for (size_t i = 0; i < r->nfronts; i++)
		json_array_append_new(fronts,
			json_pack("{so si si si}", "end",
				end_json(&r->fronts[i].end), "kind",
				(int)r->fronts[i].kind, "service",
				r->fronts[i].service, "number",
				r->fronts[i].number));
	for (size_t i = 0; i < r->ntrash; i++)
		json_array_append_new(trash,
			json_pack("{so si so}", "id", id_json(&r->trash[i].id),
				"service", r->trash[i].service, "server",
				server_json(&r->trash[i].server)));
	return json_pack("{si so so so sI sI sI}", "version", VERSION,
		"services", services, "fronts", fronts, "trash", trash, "tcp",
		(json_int_t)r->tcp_s, "fin", (json_int_t)r->fin_s, "udp",
		(json_int_t)r->udp_s);
}

int
rules_text_put(const struct rules *r, struct l4_note *notes)
{
	json_t *doc = rules_json(r);
	own_free char *text = json_dumps(doc, JSON_COMPACT);
	size_t n = text ? strlen(text) + 1 : 0;

	json_decref(doc);
	if (!n || n > L4_NOTES_MAX * sizeof(*notes))
		return -ENOSPC;
	memcpy(notes, text, n);
	return 0;
}

/* --- reading
 * ------------------------------------------------------------------ */

static void
get_id(const json_t *o, struct rules_id *out)
{
	out->mark = (uint32_t)get_u64(o, "mark");
	out->v6 = json_is_true(json_object_get(o, "v6"));
	out->proto = (uint8_t)get_u64(o, "proto");
	out->port = (uint16_t)get_u64(o, "port");
	(void)get_addr(o, "addr", &out->addr);
}

static void
get_end(const json_t *o, struct rules_end *out)
{
	(void)get_addr(o, "addr", &out->addr);
	out->port = (uint16_t)get_u64(o, "port");
	out->proto = (uint8_t)get_u64(o, "proto");
}

static void
get_server(const json_t *o, struct rules_server *s)
{
	uint64_t mac = get_u64(o, "mac");

	(void)get_addr(o, "addr", &s->addr);
	s->port = (uint16_t)get_u64(o, "port");
	s->weight = (uint16_t)get_u64(o, "weight");
	s->last_weight = (uint16_t)get_u64(o, "last_weight");
	s->upper = (uint32_t)get_u64(o, "upper");
	s->lower = (uint32_t)get_u64(o, "lower");
	s->method = (enum l4_method)get_u64(o, "method");
	s->tun = (enum l4_tun)get_u64(o, "tun");
	s->tun_port = (uint16_t)get_u64(o, "tun_port");
	s->tun_csum = json_is_true(json_object_get(o, "tun_csum"));
	s->number = get_u64(o, "number") % L4_DESTS_MAX;
	s->share = (uint16_t)get_u64(o, "share");
	s->down = json_is_true(json_object_get(o, "down"));
	s->lost = json_is_true(json_object_get(o, "lost"));
	s->local = json_is_true(json_object_get(o, "local"));
	s->resolved = json_is_true(json_object_get(o, "resolved"));
	s->mtu = (uint16_t)get_u64(o, "mtu");
	s->ifindex = (uint32_t)get_u64(o, "ifindex");
	s->removed_s = get_u64(o, "removed_s");
	for (int i = 6; i-- > 0; mac >>= 8)
		s->mac[i] = (uint8_t)mac;
}

static void
get_service(const json_t *o, struct rules_service *s)
{
	const json_t *ends = json_object_get(o, "ends");
	const json_t *servers = json_object_get(o, "servers"), *v;
	const char *name = json_string_value(json_object_get(o, "scheduler"));
	size_t i;

	get_id(json_object_get(o, "id"), &s->id);
	s->scheduler = rules_scheduler(name ? name : "");
	if (s->scheduler == L4_SCHEDULERS)
		s->scheduler = L4_wlc;
	s->flags = (uint16_t)get_u64(o, "flags");
	s->persist_s = (uint32_t)get_u64(o, "persist");
	(void)get_addr(o, "mask", &s->mask);
	s->number = get_u64(o, "number") % L4_SERVICES_MAX;
	s->nends = json_array_size(ends);
	s->ends = xcalloc(s->nends + 1, sizeof(*s->ends));
	json_array_foreach(ends, i, v) get_end(v, &s->ends[i]);
	s->nservers = json_array_size(servers);
	s->servers = xcalloc(s->nservers + 1, sizeof(*s->servers));
	json_array_foreach(servers, i, v) get_server(v, &s->servers[i]);
}

static void
get_fronts(const json_t *fronts, struct rules *r)
{
	const json_t *v;
	size_t i;

	r->nfronts = json_array_size(fronts);
	r->fronts = xcalloc(r->nfronts + 1, sizeof(*r->fronts));
	json_array_foreach(fronts, i, v)
	{
		struct rules_front *f = &r->fronts[i];

		get_end(json_object_get(v, "end"), &f->end);
		f->kind = (enum l4_front_kind)get_u64(v, "kind");
		f->service = (uint16_t)get_u64(v, "service");
		f->number = get_u64(v, "number") % L4_FRONTS_MAX;
	}
}

static void
get_trash(const json_t *trash, struct rules *r)
{
	const json_t *v;
	size_t i;

	r->ntrash = json_array_size(trash);
	r->trash = xcalloc(r->ntrash + 1, sizeof(*r->trash));
	json_array_foreach(trash, i, v)
	{
		get_id(json_object_get(v, "id"), &r->trash[i].id);
		r->trash[i].service = (uint16_t)get_u64(v, "service");
		get_server(json_object_get(v, "server"), &r->trash[i].server);
	}
}

struct rules *
rules_text_get(const struct l4_note *notes)
{
	const char *text = (const char *)notes;
	const char *end = memchr(text, 0, L4_NOTES_MAX * sizeof(*notes));
	json_t *doc =
		end ? json_loadb(text, (size_t)(end - text), 0, NULL) : NULL;
	const json_t *services = json_object_get(doc, "services"), *v;
	struct rules *r;
	size_t i;

	if (get_u64(doc, "version") != VERSION) {
		json_decref(doc);
		return NULL;
	}
	r = rules_new();
	r->n = json_array_size(services);
	r->services = xcalloc(r->n + 1, sizeof(*r->services));
	json_array_foreach(services, i, v) get_service(v, &r->services[i]);
	get_fronts(json_object_get(doc, "fronts"), r);
	get_trash(json_object_get(doc, "trash"), r);
	r->tcp_s = (uint32_t)get_u64(doc, "tcp");
	r->fin_s = (uint32_t)get_u64(doc, "fin");
	r->udp_s = (uint32_t)get_u64(doc, "udp");
	json_decref(doc);
	return r;
}
