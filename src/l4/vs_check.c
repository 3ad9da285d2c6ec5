#include "l4/vs_check.h"

#include "l4/addr.h"

#include <netinet/in.h>
#include <string.h>

static const struct command {
	const char *name, *required, *allowed;
} commands[] = {
	[VS_LIST] = {"list", "", "VncL"},
#define COMMAND(id, short_, long_, required, allowed) \
	[VS_##id] = {long_, required, allowed},
#include "l4/vs_commands.def"
#undef COMMAND
};

/* Options by letters as vs_commands.def has them, and as messages name them. */
static const struct group {
	char letter;
	uint64_t options;
	const char *name;
} groups[] = {
#define BIT(id) (1ull << VS_OPT_##id)
	{'V', BIT(TCP) | BIT(UDP) | BIT(SCTP) | BIT(MARK), "service-address"},
	{'E', BIT(TCP) | BIT(UDP), "tcp-service or udp-service"},
	{'s', BIT(SCHEDULER), "scheduler"},
	{'p', BIT(PERSISTENT), "persistent"},
	{'M', BIT(NETMASK), "netmask"},
	{'o', BIT(OPS), "ops"},
	{'b', BIT(FLAGS), "sched-flags"},
	{'P', BIT(PE), "pe"},
	{'r', BIT(SERVER), "real-server"},
	{'f', BIT(GATEWAY) | BIT(TUNNEL) | BIT(MASQ), "forwarding-method"},
	{'w', BIT(WEIGHT), "weight"},
	{'x', BIT(UPPER), "u-threshold"},
	{'y', BIT(LOWER), "l-threshold"},
	{'T',
		BIT(TUN_TYPE) | BIT(TUN_PORT) | BIT(TUN_NOCSUM) |
			BIT(TUN_CSUM) | BIT(TUN_REMCSUM),
		"tun-info"},
	{'n', BIT(NUMERIC), "numeric"},
	{'c', BIT(CONNECTION), "connection"},
	{'L',
		BIT(TIMEOUT) | BIT(DAEMON) | BIT(STATS) | BIT(RATE) |
			BIT(THRESHOLDS) | BIT(PERSIST_CONN) | BIT(TUN_INFO) |
			BIT(EXACT) | BIT(SORT) | BIT(NOSORT) | BIT(JSON),
		"list"},
#undef BIT
};

static int
check_table(const struct vs_args *a, struct buf *err)
{
	const struct command *c = &commands[a->command];

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct group *g = &groups[i];
		bool given = a->options & g->options;
		bool required = strchr(c->required, g->letter);

		if (required && !given)
			return FAIL(err,
				"You need to supply the '%s' option for the "
				"'%s' command",
				g->name, c->name);
		if (given && !required && !strchr(c->allowed, g->letter) &&
			!(g->letter == 'E' && strchr(c->required, 'V')) &&
			!(g->letter == 'E' && strchr(c->allowed, 'V')))
			return FAIL(err,
				"Illegal '%s' option with the '%s' command",
				g->name, c->name);
	}
	return 0;
}

static int
check_list(const struct vs_args *a, struct buf *err)
{
	bool service = a->options & groups[0].options;

	if (vs_has(a, VS_OPT_CONNECTION) && service)
		return FAIL(err,
			"The option 'connection' conflicts with the "
			"option 'service-address'");
	if (vs_has(a, VS_OPT_TIMEOUT) &&
		(service || vs_has(a, VS_OPT_CONNECTION)))
		return FAIL(err, "The option 'timeout' conflicts with others");
	return 0;
}

static int
check_service(const struct vs_args *a, struct buf *err)
{
	const struct rules_service *s = &a->service;

	if (!s->id.mark && !s->id.port && !(s->flags & L4_PERSISTENT))
		return FAIL(
			err, "Zero port specified for non-persistent service");
	if ((s->flags & L4_ONE_PACKET) && !s->id.mark &&
		s->id.proto != IPPROTO_UDP)
		return FAIL(err,
			"One-Packet Scheduling is only for UDP "
			"virtual services");
	return 0;
}

static int
check_server(struct vs_args *a, struct buf *err)
{
	struct rules_server *s = &a->server;
	const struct rules_id *id = &a->service.id;

	if (s->method != L4_TUNNEL && (a->options & groups[13].options))
		return FAIL(err,
			"Tunnel options are only for tunneled "
			"real servers");
	if (s->tun == L4_GUE && !s->tun_port)
		return FAIL(err,
			"The tunnel port is required with the gue tunnel type");
	if (s->tun != L4_GUE && s->tun_port)
		return FAIL(err,
			"The tunnel port is only for the gue tunnel "
			"type");
	/* Direct routing needs but the MAC address, so any family will do. */
	if (s->method == L4_MASQ && addr_is4(&s->addr) == id->v6)
		return FAIL(err,
			"Different address family is not allowed for "
			"masquerading servers");
	/* Direct routing and tunnels leave the port as it is. */
	if (!id->mark && (s->method != L4_MASQ || !s->port))
		s->port = id->port;
	return 0;
}

int
vs_check(struct vs_args *a, struct buf *err)
{
	int r = check_table(a, err);

	if (r)
		return r;
	switch (a->command) {
	case VS_LIST: return check_list(a, err);
	case VS_ADD:
	case VS_EDIT: return check_service(a, err);
	case VS_ADD_SERVER:
	case VS_EDIT_SERVER:
	case VS_DELETE_SERVER: return check_server(a, err);
	case VS_ADD_END:
	case VS_DELETE_END:
		if (!a->service.id.mark)
			return FAIL(err,
				"You need to supply the "
				"'fwmark-service' option for the "
				"'%s' command",
				commands[a->command].name);
		a->service.id.v6 = !addr_is4(&a->end.addr);
		return 0;
	case VS_START_DAEMON:
	case VS_STOP_DAEMON:
		return FAIL(err,
			"There is no synchronization daemon: "
			"balancers with the same rules choose alike "
			"with the scheduler mh");
	default: return 0;
	}
}
