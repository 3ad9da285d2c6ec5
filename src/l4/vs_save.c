/* What --restore takes: see vs_list.h. */
#include "base/own.h"
#include "l4/control.h"
#include "l4/vs_list.h"
#include "l4/vs_name.h"

#include <netinet/in.h>
#include <stdio.h>

static struct vs_long_name
save_name(const struct rules_id *id)
{
	struct vs_long_name n;

	if (id->mark)
		snprintf(n.z, sizeof(n.z), "-f %u%s", id->mark,
			id->v6 ? " -6" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s %s",
			id->proto == IPPROTO_TCP ? "-t" : "-u",
			vs_end_name(&id->addr, id->port).z);
	return n;
}

static void
save_service(const struct rules_service *s, struct buf *out)
{
	buf_printf(out, "-A %s -s %s", save_name(&s->id).z,
		rules_scheduler_name(s->scheduler));
	if (s->flags & L4_PERSISTENT) {
		buf_printf(out, " -p %u", s->persist_s);
		vs_put_mask(s, " -M ", out);
	}
	if (s->flags & L4_ONE_PACKET)
		buf_z(out, " -o");
	if (*vs_flag_names(s).z)
		buf_printf(out, " -b %s", vs_flag_names(s).z);
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
		vs_end_name(&server->addr, server->port).z,
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
	own_free void **services = vs_sorted(
		r->services, r->n, sizeof(*r->services), vs_compare_services);
	uint32_t t[3];

	d->ops->timeouts(d->ctx, t);
	if (t[0] != 900 || t[1] != 120 || t[2] != 300) /* the presets */
		buf_printf(out, "--set %u %u %u\n", t[0], t[1], t[2]);
	for (size_t i = 0; i < r->n; i++) {
		const struct rules_service *s = services[i];
		own_free void **servers = vs_sorted(s->servers, s->nservers,
			sizeof(*s->servers), vs_compare_servers);

		save_service(s, out);
		for (size_t k = 0; k < s->nservers; k++)
			save_server(s, servers[k], out);
	}
}
