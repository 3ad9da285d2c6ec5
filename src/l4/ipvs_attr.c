#include "l4/ipvs_attr.h"

#include "l4/addr.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <string.h>

int
ipvs_keep_attr(const struct nlattr *a, void *ctx)
{
	const struct nlattr **all = ctx;

	if (mnl_attr_get_type(a) < IPVS_ATTRS_MAX)
		all[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

uint64_t
ipvs_number(const struct nlattr *a)
{
	size_t n = a ? mnl_attr_get_payload_len(a) : 0;

	return n >= 8	 ? mnl_attr_get_u64(a)
		: n >= 4 ? mnl_attr_get_u32(a)
		: n >= 2 ? mnl_attr_get_u16(a)
		: n >= 1 ? mnl_attr_get_u8(a)
			 : 0;
}

/* --- rules into attributes
 * -------------------------------------------------------- */

static unsigned
mask_bits(const union l4_addr *m)
{
	unsigned bits = 0;

	for (int i = 0; i < 4; i++)
		bits += (unsigned)__builtin_popcount(m->w[i]);
	return bits;
}

static void
put_addr(struct nlmsghdr *h, uint16_t type, const union l4_addr *a)
{
	uint8_t bytes[16] = {0};

	memcpy(bytes, addr_start(a), addr_bytes(a));
	mnl_attr_put(h, type, sizeof(bytes), bytes);
}

static void
put_id(struct nlmsghdr *h, const struct rules_id *id)
{
	mnl_attr_put_u16(h, IPVS_SVC_ATTR_AF, id->v6 ? AF_INET6 : AF_INET);
	if (id->mark) {
		mnl_attr_put_u32(h, IPVS_SVC_ATTR_FWMARK, id->mark);
		return;
	}
	mnl_attr_put_u16(h, IPVS_SVC_ATTR_PROTOCOL, id->proto);
	put_addr(h, IPVS_SVC_ATTR_ADDR, &id->addr);
	mnl_attr_put_u16(h, IPVS_SVC_ATTR_PORT, htons(id->port));
}

void
ipvs_put_service(struct nlmsghdr *h, const struct rules_service *s)
{
	struct nlattr *nest = mnl_attr_nest_start(h, IPVS_CMD_ATTR_SERVICE);
	struct ip_vs_flags flags = {.mask = ~0u};

	if (s->flags & L4_PERSISTENT)
		flags.flags |= IP_VS_SVC_F_PERSISTENT;
	if (s->flags & L4_ONE_PACKET)
		flags.flags |= IP_VS_SVC_F_ONEPACKET;
	if (s->flags & L4_HASH_FALLBACK)
		flags.flags |= IP_VS_SVC_F_SCHED1;
	if (s->flags & L4_HASH_PORT)
		flags.flags |= IP_VS_SVC_F_SCHED2;
	put_id(h, &s->id);
	mnl_attr_put_strz(h, IPVS_SVC_ATTR_SCHED_NAME,
		rules_scheduler_name(s->scheduler));
	mnl_attr_put(h, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
	mnl_attr_put_u32(h, IPVS_SVC_ATTR_TIMEOUT,
		s->flags & L4_PERSISTENT ? s->persist_s : 0);
	mnl_attr_put_u32(h, IPVS_SVC_ATTR_NETMASK,
		s->id.v6 ? mask_bits(&s->mask) : s->mask.w[3]);
	mnl_attr_nest_end(h, nest);
}

void
ipvs_put_id(struct nlmsghdr *h, const struct rules_id *id)
{
	struct nlattr *nest = mnl_attr_nest_start(h, IPVS_CMD_ATTR_SERVICE);

	put_id(h, id);
	mnl_attr_nest_end(h, nest);
}

/* IPVS knows no health: a server that is down gets nothing new. */
uint32_t
ipvs_weight(const struct rules_server *s)
{
	uint32_t w = (uint32_t)s->weight * s->share / 1000;

	return s->down ? 0 : s->weight && !w ? 1 : w;
}

void
ipvs_put_server(struct nlmsghdr *h, const struct rules_server *s)
{
	static const uint32_t methods[] = {IP_VS_CONN_F_DROUTE,
		IP_VS_CONN_F_TUNNEL, IP_VS_CONN_F_MASQ, IP_VS_CONN_F_DROUTE};
	static const uint8_t tunnels[] = {IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
		IP_VS_CONN_F_TUNNEL_TYPE_GUE, IP_VS_CONN_F_TUNNEL_TYPE_GRE};
	struct nlattr *nest = mnl_attr_nest_start(h, IPVS_CMD_ATTR_DEST);

	mnl_attr_put_u16(h, IPVS_DEST_ATTR_ADDR_FAMILY, addr_family(&s->addr));
	put_addr(h, IPVS_DEST_ATTR_ADDR, &s->addr);
	mnl_attr_put_u16(h, IPVS_DEST_ATTR_PORT, htons(s->port));
	mnl_attr_put_u32(h, IPVS_DEST_ATTR_FWD_METHOD, methods[s->method]);
	mnl_attr_put_u32(h, IPVS_DEST_ATTR_WEIGHT, ipvs_weight(s));
	mnl_attr_put_u32(h, IPVS_DEST_ATTR_U_THRESH, s->upper);
	mnl_attr_put_u32(h, IPVS_DEST_ATTR_L_THRESH, s->lower);
	mnl_attr_put_u8(h, IPVS_DEST_ATTR_TUN_TYPE, tunnels[s->tun]);
	mnl_attr_put_u16(h, IPVS_DEST_ATTR_TUN_PORT, htons(s->tun_port));
	mnl_attr_put_u16(h, IPVS_DEST_ATTR_TUN_FLAGS, 0);
	mnl_attr_nest_end(h, nest);
}

/* --- attributes into rules
 * ----------------------------------------------------------- */

static bool
get_addr(const struct nlattr *a, int family, union l4_addr *out)
{
	return a && mnl_attr_get_payload_len(a) >= 16 &&
		addr_from(family, mnl_attr_get_payload(a),
			family == AF_INET ? 4 : 16, out);
}

static union l4_addr
get_mask(bool v6, uint32_t netmask)
{
	union l4_addr m = {.w = {~0u, ~0u, ~0u, netmask}};
	uint8_t *p = (uint8_t *)&m;

	for (unsigned i = 0; v6 && i < 16; i++) {
		unsigned n = netmask > 8 * i ? netmask - 8 * i : 0;

		p[i] = (uint8_t)(n >= 8 ? 255 : 0xff00 >> n);
	}
	return m;
}

bool
ipvs_get_service(const struct nlattr *nest, struct rules_service *out)
{
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};
	struct rules_service s = {0};
	struct ip_vs_flags flags = {0};
	const char *name;

	(void)mnl_attr_parse_nested(nest, ipvs_keep_attr, a);
	s.id.v6 = ipvs_number(a[IPVS_SVC_ATTR_AF]) == AF_INET6;
	s.id.mark = (uint32_t)ipvs_number(a[IPVS_SVC_ATTR_FWMARK]);
	s.id.proto = (uint8_t)ipvs_number(a[IPVS_SVC_ATTR_PROTOCOL]);
	s.id.port = ntohs((uint16_t)ipvs_number(a[IPVS_SVC_ATTR_PORT]));
	if (!s.id.mark &&
		!get_addr(a[IPVS_SVC_ATTR_ADDR], s.id.v6 ? AF_INET6 : AF_INET,
			&s.id.addr))
		return false;
	name = a[IPVS_SVC_ATTR_SCHED_NAME]
		? mnl_attr_get_str(a[IPVS_SVC_ATTR_SCHED_NAME])
		: "";
	s.scheduler = rules_scheduler(name);
	if (a[IPVS_SVC_ATTR_FLAGS] &&
		mnl_attr_get_payload_len(a[IPVS_SVC_ATTR_FLAGS]) >=
			sizeof(flags))
		memcpy(&flags, mnl_attr_get_payload(a[IPVS_SVC_ATTR_FLAGS]),
			sizeof(flags));
	s.flags = (uint16_t)((flags.flags & IP_VS_SVC_F_PERSISTENT
					     ? L4_PERSISTENT
					     : 0) |
		(flags.flags & IP_VS_SVC_F_ONEPACKET ? L4_ONE_PACKET : 0) |
		(flags.flags & IP_VS_SVC_F_SCHED1 ? L4_HASH_FALLBACK : 0) |
		(flags.flags & IP_VS_SVC_F_SCHED2 ? L4_HASH_PORT : 0));
	s.persist_s = (uint32_t)ipvs_number(a[IPVS_SVC_ATTR_TIMEOUT]);
	s.mask = get_mask(
		s.id.v6, (uint32_t)ipvs_number(a[IPVS_SVC_ATTR_NETMASK]));
	*out = s;
	return s.scheduler < L4_SCHEDULERS;
}

static void
get_stat(const struct nlattr *nest, struct l4_stat *out)
{
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};

	if (!nest)
		return;
	(void)mnl_attr_parse_nested(nest, ipvs_keep_attr, a);
	out->connections = ipvs_number(a[IPVS_STATS_ATTR_CONNS]);
	out->in_packets = ipvs_number(a[IPVS_STATS_ATTR_INPKTS]);
	out->out_packets = ipvs_number(a[IPVS_STATS_ATTR_OUTPKTS]);
	out->in_bytes = ipvs_number(a[IPVS_STATS_ATTR_INBYTES]);
	out->out_bytes = ipvs_number(a[IPVS_STATS_ATTR_OUTBYTES]);
}

bool
ipvs_get_server(const struct nlattr *nest, struct rules_server *out,
	struct driver_counts *counts)
{
	const struct nlattr *a[IPVS_ATTRS_MAX] = {NULL};
	uint32_t method;
	int family;

	(void)mnl_attr_parse_nested(nest, ipvs_keep_attr, a);
	family = (int)ipvs_number(a[IPVS_DEST_ATTR_ADDR_FAMILY]);
	if (!get_addr(a[IPVS_DEST_ATTR_ADDR], family, &out->addr))
		return false;
	out->port = ntohs((uint16_t)ipvs_number(a[IPVS_DEST_ATTR_PORT]));
	method = ipvs_number(a[IPVS_DEST_ATTR_FWD_METHOD]) &
		IP_VS_CONN_F_FWD_MASK;
	out->method = method == IP_VS_CONN_F_TUNNEL ? L4_TUNNEL
		: method == IP_VS_CONN_F_MASQ	    ? L4_MASQ
						    : L4_ROUTE;
	out->local = method == IP_VS_CONN_F_LOCALNODE;
	out->weight = (uint16_t)ipvs_number(a[IPVS_DEST_ATTR_WEIGHT]);
	out->upper = (uint32_t)ipvs_number(a[IPVS_DEST_ATTR_U_THRESH]);
	out->lower = (uint32_t)ipvs_number(a[IPVS_DEST_ATTR_L_THRESH]);
	out->tun = (enum l4_tun)(ipvs_number(a[IPVS_DEST_ATTR_TUN_TYPE]) % 3);
	out->tun_port =
		ntohs((uint16_t)ipvs_number(a[IPVS_DEST_ATTR_TUN_PORT]));
	counts->active = (uint32_t)ipvs_number(a[IPVS_DEST_ATTR_ACTIVE_CONNS]);
	counts->inactive = (uint32_t)ipvs_number(a[IPVS_DEST_ATTR_INACT_CONNS]);
	counts->templates =
		(uint32_t)ipvs_number(a[IPVS_DEST_ATTR_PERSIST_CONNS]);
	get_stat(a[IPVS_DEST_ATTR_STATS64] ? a[IPVS_DEST_ATTR_STATS64]
					   : a[IPVS_DEST_ATTR_STATS],
		&counts->stat);
	return true;
}
