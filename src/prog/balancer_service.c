/* The cluster's own services among the balancer's rules: see balancer.h. */
#include "prog/balancer.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "prog/balancer_members.h"

size_t
service_ids(const struct conf *c, struct rules_id out[2])
{
	struct rules_id id = {.proto = IPPROTO_TCP,
		.port = c->vip_port,
		.addr = member_addr(c->vip)};

	out[0] = id;
	if (!addr_from(AF_INET6, &c->vip6, sizeof(c->vip6), &id.addr) ||
		IN6_IS_ADDR_UNSPECIFIED(&c->vip6))
		return 1;
	id.v6 = true;
	out[1] = id;
	return 2;
}

static bool
is_member(const struct roster *m, const union l4_addr *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (member_addr(m->v[i].addr).d[1] == a->d[1])
			return true;
	return false;
}

/* Until nodes have told how they are, a server that is drained stays so: the
 * balancer before us knew. */
static uint16_t
weight_of(const struct program *p, const struct roster_entry *e,
	const struct rules_server *was)
{
	bool heard = roster_number(members_roster(p->members)) > 0;

	if (e->state != ROSTER_IN ||
		(was && !was->weight && !heard && p->conf->status_port))
		return 0;
	return (uint16_t)e->weight;
}

static int
put_member(struct rules *r, const struct program *p, const struct rules_id *id,
	const struct roster_entry *e)
{
	struct rules_server s = {
		.addr = member_addr(e->addr), .port = id->port, .down = true};
	const struct rules_server *was =
		rules_server(rules_find(r, id), &s.addr, s.port);

	if (!was && e->state == ROSTER_GONE)
		return 0;
	s.weight = weight_of(p, e, was);
	return was ? rules_server_edit(r, id, &s) : rules_server_add(r, id, &s);
}

static int
put_one(struct rules *r, const struct program *p, const struct rules_id *id)
{
	const struct roster *m = members_roster(p->members);
	struct rules_service s = {
		.id = *id, .scheduler = (enum l4_scheduler)p->conf->scheduler};
	const struct rules_service *was = rules_find(r, id);
	int err;

	if (s.scheduler == L4_sh || s.scheduler == L4_mh)
		s.flags = L4_HASH_PORT | L4_HASH_FALLBACK;
	err = was ? rules_edit(r, &s) : rules_add(r, &s);

	for (size_t i = was ? was->nservers : 0; i-- > 0 && !err;)
		if (!is_member(m, &was->servers[i].addr))
			err = rules_server_delete(r, id, &was->servers[i].addr,
				was->servers[i].port,
				clock_mono_ns() / NS_PER_S);
	/* The last to be added is the first to be chosen. */
	for (size_t i = m->n; i-- > 0 && !err;)
		err = put_member(r, p, id, &m->v[i]);
	return err;
}

int
service_put(struct rules *r, void *program)
{
	const struct program *p = program;
	struct rules_id ids[2];
	size_t n = service_ids(p->conf, ids);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = put_one(r, p, &ids[i]);
	return err;
}
