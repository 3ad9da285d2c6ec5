/* The cluster's own service among the balancer's rules: see balancer.h. */
#include "prog/balancer.h"

#include "base/clock.h"
#include "conf/conf.h"

struct rules_id
service_id(const struct conf *c)
{
	return (struct rules_id){.proto = IPPROTO_TCP,
		.port = c->vip_port,
		.addr = addr_mapped(c->vip)};
}

static bool
is_node(const struct conf *c, const union l4_addr *a)
{
	for (size_t i = 0; i < c->nnodes; i++)
		if (addr_mapped(c->nodes[i].addr).d[1] == a->d[1])
			return true;
	return false;
}

int
service_put(struct rules *r, void *arg)
{
	const struct conf *c = arg;
	struct rules_service s = {.id = service_id(c),
		.scheduler = (enum l4_scheduler)c->scheduler};
	const struct rules_service *was = rules_find(r, &s.id);
	int err;

	if (s.scheduler == L4_sh || s.scheduler == L4_mh)
		s.flags = L4_HASH_PORT | L4_HASH_FALLBACK;
	err = was ? rules_edit(r, &s) : rules_add(r, &s);

	for (size_t i = was ? was->nservers : 0; i-- > 0 && !err;)
		if (!is_node(c, &was->servers[i].addr))
			err = rules_server_delete(r, &s.id,
				&was->servers[i].addr, was->servers[i].port,
				clock_mono_ns() / NS_PER_S);
	/* The last to be added is the first to be chosen. */
	for (size_t i = c->nnodes; i-- > 0 && !err;) {
		struct rules_server server = {
			.addr = addr_mapped(c->nodes[i].addr),
			.port = c->vip_port,
			.weight = (uint16_t)c->nodes[i].weight,
			.down = true};

		was = rules_find(r, &s.id);
		err = rules_server(was, &server.addr, server.port)
			? rules_server_edit(r, &s.id, &server)
			: rules_server_add(r, &s.id, &server);
	}
	return err;
}
