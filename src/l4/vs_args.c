/* The grammar: see vs_args.h. Parses one command; which options go with it is
 * vs_commands.def's table. */
#include "l4/vs_args.h"

#include "l4/addr.h"
#include "l4/vs_check.h"

#include <getopt.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LIST_LETTER 'L'
#define PERSIST_MAX_S (31u * 24 * 3600)

static const int command_letters[] = {
	[VS_LIST] = LIST_LETTER,
#define COMMAND(id, short_, long_, required, allowed) [VS_##id] = short_,
#include "l4/vs_commands.def"
#undef COMMAND
};

static int
number(const char *text, uint64_t most, uint64_t *out)
{
	return str_u64(str_z(text), most, out);
}

/* HOST[:PORT], IPv6 in brackets when there is a port. */
static bool
parse_end(const char *text, union l4_addr *addr, uint16_t *port)
{
	const char *close = strrchr(text, ']');
	const char *colon = strrchr(text, ':');
	uint64_t n = 0;
	char host[64];
	size_t len;

	if (*text == '[' && close) {
		colon = close[1] == ':' ? close + 1 : NULL;
		if (close[1] && !colon)
			return false;
		len = (size_t)(close - ++text);
	} else {
		if (colon && strchr(text, ':') != colon)
			colon = NULL; /* IPv6 alone */
		len = colon ? (size_t)(colon - text) : strlen(text);
	}
	if (len >= sizeof(host) || (colon && number(colon + 1, 65535, &n)))
		return false;
	memcpy(host, text, len);
	host[len] = 0;
	*port = (uint16_t)n;
	return addr_parse(host, addr);
}

static int
set_service(struct vs_args *a, uint8_t proto, const char *text, struct buf *err)
{
	union l4_addr addr;
	uint16_t port;

	if (!parse_end(text, &addr, &port))
		return FAIL(
			err, "illegal virtual server address[:port] specified");
	a->end = (struct rules_end){addr, port, proto};
	if (vs_has(a, VS_OPT_MARK))
		return 0; /* of --add-end */
	a->service.id = (struct rules_id){.v6 = !addr_is4(&addr),
		.proto = proto,
		.port = port,
		.addr = addr};
	return 0;
}

static int
set_mark(struct vs_args *a, const char *text, struct buf *err)
{
	uint64_t n;

	if (number(text, UINT32_MAX, &n) || !n)
		return FAIL(err, "illegal virtual server fwmark specified");
	a->service.id = (struct rules_id){.mark = (uint32_t)n};
	return 0;
}

static int
set_flags(struct vs_args *a, const char *text, struct buf *err)
{
	static const struct {
		const char *name;
		uint16_t flag;
		char of; /* s, m: only of sh, mh */
	} flags[] = {
		{"sh-fallback", L4_HASH_FALLBACK, 's'},
		{"sh-port", L4_HASH_PORT, 's'},
		{"mh-fallback", L4_HASH_FALLBACK, 'm'},
		{"mh-port", L4_HASH_PORT, 'm'},
		{"flag-1", L4_HASH_FALLBACK, 0},
		{"flag-2", L4_HASH_PORT, 0},
	};
	struct str rest = str_z(text), word;

	while (str_split(&rest, ',', &word)) {
		bool known = false;

		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
			char of = *rules_scheduler_name(a->service.scheduler);

			if (!str_eq(word, str_z(flags[i].name)) ||
				(flags[i].of && flags[i].of != of))
				continue;
			a->service.flags |= flags[i].flag;
			known = true;
		}
		if (!known)
			return FAIL(err, "incorrect sched-flags for scheduler");
	}
	return 0;
}

static union l4_addr
prefix_mask(unsigned bits)
{
	union l4_addr m;
	uint8_t *p = (uint8_t *)&m;

	for (unsigned i = 0; i < 16; i++) {
		unsigned n = bits > 8 * i ? bits - 8 * i : 0;

		p[i] = (uint8_t)(n >= 8 ? 255 : 0xff00 >> n);
	}
	return m;
}

static int
set_mask(struct vs_args *a, const char *text, struct buf *err)
{
	union l4_addr m;
	uint64_t bits;

	if (!strchr(text, '.')) {
		if (number(text, 128, &bits) || !bits)
			return FAIL(err, "illegal ipv6 netmask specified");
		a->service.mask = prefix_mask((unsigned)bits);
		return 0;
	}
	if (!addr_parse(text, &m))
		return FAIL(err, "illegal netmask specified");
	a->service.mask = prefix_mask(96);
	a->service.mask.w[3] = m.w[3];
	return 0;
}

static int
set_tun_type(struct vs_args *a, const char *text, struct buf *err)
{
	static const char *const names[] = {"ipip", "gue", "gre"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			a->server.tun = (enum l4_tun)i;
			return 0;
		}
	return FAIL(err, "illegal tunnel type specified");
}

static int
set_number(const char *text, uint64_t least, uint64_t most, const char *what,
	uint64_t *out, struct buf *err)
{
	if (number(text, most, out) || *out < least)
		return FAIL(err, "illegal %s specified", what);
	return 0;
}

static int
set_value(struct vs_args *a, enum vs_option o, const char *v, struct buf *err)
{
	uint64_t n = 0;
	int r = 0;

	switch (o) {
	case VS_OPT_TCP: return set_service(a, IPPROTO_TCP, v, err);
	case VS_OPT_UDP: return set_service(a, IPPROTO_UDP, v, err);
	case VS_OPT_SCTP:
		return FAIL(err, "SCTP is not supported: only TCP and UDP are");
	case VS_OPT_MARK: return set_mark(a, v, err);
	case VS_OPT_IPV6: a->service.id.v6 = true; break;
	case VS_OPT_PE:
		return FAIL(err, "there is no persistence engine '%s'", v);
	case VS_OPT_SCHEDULER:
		a->service.scheduler = rules_scheduler(v);
		break; /* an unknown one is for whoever adds it to say */
	case VS_OPT_PERSISTENT:
		n = RULES_PERSIST_S;
		if (v)
			r = set_number(v, 1, PERSIST_MAX_S, "timeout", &n, err);
		a->service.flags |= L4_PERSISTENT;
		a->service.persist_s = (uint32_t)n;
		break;
	case VS_OPT_NETMASK: return set_mask(a, v, err);
	case VS_OPT_OPS: a->service.flags |= L4_ONE_PACKET; break;
	case VS_OPT_SERVER:
		if (!parse_end(v, &a->server.addr, &a->server.port))
			return FAIL(err,
				"illegal real server "
				"address[:port] specified");
		break;
	case VS_OPT_GATEWAY: a->server.method = L4_ROUTE; break;
	case VS_OPT_TUNNEL: a->server.method = L4_TUNNEL; break;
	case VS_OPT_MASQ: a->server.method = L4_MASQ; break;
	case VS_OPT_WEIGHT:
		r = set_number(v, 0, 65535, "weight", &n, err);
		a->server.weight = (uint16_t)n;
		break;
	case VS_OPT_UPPER:
		r = set_number(v, 0, INT32_MAX, "u_threshold", &n, err);
		a->server.upper = (uint32_t)n;
		break;
	case VS_OPT_LOWER:
		r = set_number(v, 0, INT32_MAX, "l_threshold", &n, err);
		a->server.lower = (uint32_t)n;
		break;
	case VS_OPT_TUN_TYPE: return set_tun_type(a, v, err);
	case VS_OPT_TUN_PORT:
		r = set_number(v, 1, 65535, "tunnel port", &n, err);
		a->server.tun_port = (uint16_t)n;
		break;
	case VS_OPT_TUN_CSUM:
	case VS_OPT_TUN_REMCSUM:
		return FAIL(err,
			"tunnels with a checksum are not supported: "
			"--tun-nocsum");
	default: break;
	}
	return r;
}

/* --- words
 * ----------------------------------------------------------------------- */

static const struct option longs[] = {
	{"list", no_argument, NULL, LIST_LETTER},
#define COMMAND(id, short_, long_, required, allowed) \
	{long_, no_argument, NULL, short_},
#include "l4/vs_commands.def"
#undef COMMAND
#define OPTION(id, short_, long_, argument)                   \
	{long_,                                               \
		argument == 'y'		  ? required_argument \
			: argument == 'o' ? optional_argument \
					  : no_argument,      \
		NULL, short_},
#include "l4/vs_options.def"
#undef OPTION
	{0},
};

static const char letters[] = "+:lLAEDCRSaedZhvt:u:f:6s:p::M:ob:r:gimw:x:y:ncX";

static int
find_command(int c)
{
	for (int i = 0; i < VS_COMMANDS; i++)
		if (command_letters[i] == c || (c == 'l' && i == VS_LIST))
			return i;
	return -1;
}

static int
find_option(int c)
{
	static const int numbers[] = {
#define OPTION(id, short_, long_, argument) short_,
#include "l4/vs_options.def"
#undef OPTION
	};

	for (int i = 0; i < VS_OPTIONS; i++)
		if (numbers[i] == c)
			return i;
	return -1;
}

/* -p 600: an optional argument that is a word of its own. */
static const char *
own_word(int argc, char **argv)
{
	const char *next = optind < argc ? argv[optind] : NULL;

	if (!next || !*next || strspn(next, "0123456789") != strlen(next))
		return NULL;
	optind++;
	return next;
}

static int
take(struct vs_args *a, int c, int argc, char **argv, bool *commanded,
	struct buf *err)
{
	int command = find_command(c), option = find_option(c);
	const char *v = optarg;

	if (command >= 0) {
		if (*commanded)
			return FAIL(err, "multiple commands specified");
		*commanded = true;
		a->command = (enum vs_command)command;
		return 0;
	}
	if (option < 0)
		return FAIL(err, "unknown option; see 'sevenfold vs --help'");
	if (a->options >> option & 1)
		return FAIL(err, "multiple '%s' options specified",
			argv[optind - 1]);
	if (option == VS_OPT_PERSISTENT && !v)
		v = own_word(argc, argv);
	a->options |= 1ull << option;
	/* flags depend on the scheduler, which may come later */
	return option == VS_OPT_FLAGS
		? 0
		: set_value(a, (enum vs_option)option, v, err);
}

static int
take_timeouts(struct vs_args *a, int argc, char **argv, struct buf *err)
{
	if (argc - optind != 3)
		return FAIL(err, "--set option requires 3 timeout values");
	for (int i = 0; i < 3; i++) {
		uint64_t n;

		if (number(argv[optind + i], INT32_MAX / 1000, &n))
			return FAIL(err, "illegal timeout value");
		a->timeouts[i] = (uint32_t)n;
	}
	optind += 3;
	return 0;
}

int
vs_args(int argc, char **argv, struct vs_args *out, struct buf *err)
{
	struct vs_args a = {
		.service = {.scheduler = L4_wlc, .mask = prefix_mask(128)},
		.server = {.weight = 1}};
	const char *flags = NULL;
	bool commanded = false;
	int c, r = 0;

	optind = 0;
	opterr = 0;
	while (!r && (c = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		if (c == ':')
			return FAIL(err, "option '%s' needs an argument",
				argv[optind - 1]);
		if (c == '?')
			return FAIL(
				err, "unknown option '%s'", argv[optind - 1]);
		if (c == 'b')
			flags = optarg;
		r = take(&a, c, argc, argv, &commanded, err);
	}
	if (!r && a.command == VS_SET)
		r = take_timeouts(&a, argc, argv, err);
	if (!r && a.service.scheduler < L4_SCHEDULERS && flags)
		r = set_flags(&a, flags, err);
	if (!r && (a.command == VS_START_DAEMON || a.command == VS_STOP_DAEMON))
		optind = argc;
	if (!r && optind < argc)
		r = FAIL(err, "unexpected argument %s", argv[optind]);
	if (!r)
		r = vs_check(&a, err);
	if (!r)
		*out = a;
	return r;
}
