/* sevenfold bench: load and content for measuring a cluster. */
#include "prog/verb.h"

#include "prog/bench_handoff.h"

#include "base/own.h"
#include "bench/album.h"
#include "bench/catalog.h"
#include "bench/logfile.h"
#include "bench/nginx.h"
#include "bench/replay.h"
#include "bench/replay_report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
	"usage: sevenfold bench replay LOG --target ADDR[:PORT] [OPTIONS]\n"
	"       sevenfold bench replay LOG --prepare DIR [--port PORT]\n"
	"       sevenfold bench content DIR\n"
	"       sevenfold bench handoff [--seconds N] [--json]\n"
	"\n"
	"replay\n"
	"Sends the requests of a web server's log (Common Log Format; .gz and\n"
	".xz are unpacked, - is standard input), in order, and checks every\n"
	"byte of the answers. The bodies are made, with the sizes logged:\n"
	"--prepare writes them, and nginx.conf for the origin that serves\n"
	"them: nginx -p DIR -c nginx.conf\n"
	"\n"
	"  --connections N  at the same time (64)\n"
	"  --close          a connection per request\n"
	"  --host NAME      what the requests say in Host (the target)\n"
	"  --limit N        only the first N requests\n"
	"  --json           the result as one line of JSON\n"
	"  --port PORT      where the prepared origin listens (80)\n"
	"\n"
	"content\n"
	"Makes the demo's web site in DIR, unless it is there: photographs,\n"
	"pages and files, over 240 objects and 50 MB.\n"
	"\n"
	"handoff\n"
	"What it costs to move a connection to the owner of what it asks for,\n"
	"beside passing the answer on, on this machine.\n";

struct options {
	const char *log, *prepare, *host, *target;
	struct in_addr addr;
	uint16_t port, listen;
	unsigned connections;
	uint64_t limit;
	bool close, json;
};

static int
bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "sevenfold bench: %s '%s'\n\n%s", what, value, usage);
	return 2;
}

/* "192.0.2.10" or "192.0.2.10:80" */
static bool
parse_target(const char *z, struct options *o)
{
	struct str rest = str_z(z), addr;
	uint64_t port = 80;
	char dotted[INET_ADDRSTRLEN];

	str_split(&rest, ':', &addr);
	if (addr.n >= sizeof(dotted))
		return false;
	memcpy(dotted, addr.p, addr.n);
	dotted[addr.n] = '\0';
	if (rest.p && (str_u64(rest, UINT16_MAX, &port) < 0 || port == 0))
		return false;
	o->port = (uint16_t)port;
	o->target = z;
	return inet_pton(AF_INET, dotted, &o->addr) == 1;
}

static bool
parse_number(const char *z, uint64_t max, uint64_t *out)
{
	return str_u64(str_z(z), max, out) == 0 && *out > 0;
}

static const struct option long_options[] = {
	{"target", required_argument, NULL, 't'},
	{"prepare", required_argument, NULL, 'p'},
	{"port", required_argument, NULL, 'l'},
	{"connections", required_argument, NULL, 'c'},
	{"host", required_argument, NULL, 'h'},
	{"limit", required_argument, NULL, 'n'},
	{"close", no_argument, NULL, 'x'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

/* 0, or the exit status */
static int
parse_option(int opt, struct options *o)
{
	uint64_t n;

	switch (opt) {
	case 't':
		if (!parse_target(optarg, o))
			return bad_usage("not an address", optarg);
		return 0;
	case 'l':
		if (!parse_number(optarg, UINT16_MAX, &n))
			return bad_usage("not a port", optarg);
		o->listen = (uint16_t)n;
		return 0;
	case 'c':
		if (!parse_number(optarg, 10000, &n))
			return bad_usage("not 1 to 10000", optarg);
		o->connections = (unsigned)n;
		return 0;
	case 'n':
		if (!parse_number(optarg, UINT32_MAX, &o->limit))
			return bad_usage("not a number of requests", optarg);
		return 0;
	case 'p': o->prepare = optarg; return 0;
	case 'h': o->host = optarg; return 0;
	case 'x': o->close = true; return 0;
	case 'j': o->json = true; return 0;
	default: fprintf(stderr, "\n%s", usage); return 2;
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int opt, r = 0;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if ((r = parse_option(opt, o)) != 0)
			return r;
	if (optind + 1 != argc)
		return bad_usage("needs one log, got",
			optind < argc ? argv[optind + 1] : "none");
	o->log = argv[optind];
	if (!o->prepare == !o->target)
		return bad_usage("needs one of", "--target, --prepare");
	return 0;
}

static int
read_log(const char *path, struct catalog *c)
{
	struct logfile log;
	int r = logfile_open(path, &log);

	if (r == 0) {
		int closed;

		r = catalog_read(c, log.f);
		closed = logfile_close(&log);
		if (r == 0)
			r = closed;
	}
	if (r == 0 && c->nrequests > 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", path,
		r < 0 ? strerror(-r) : "no request could be read");
	return 1;
}

static int
prepare(const struct options *o, const struct catalog *c)
{
	own_free char *path = NULL;
	int r = nginx_prepare(c, o->prepare, o->listen, &path);

	if (r == 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", path ? path : o->prepare,
		strerror(-r));
	return 1;
}

static int
play(const struct options *o, const struct catalog *c)
{
	static struct replay_result result;
	struct replay replay = {
		.addr = o->addr,
		.port = o->port,
		.host = str_z(o->host ? o->host : o->target),
		.connections = o->connections,
		.per_connection = o->close ? 1 : 0,
		.limit = o->limit,
		.progress = !o->json,
	};
	int r = replay_run(&replay, c, &result);

	if (r < 0) {
		fprintf(stderr, "sevenfold bench: %s\n", strerror(-r));
		return 1;
	}
	if (o->json)
		replay_report_json(stdout, &replay, c, &result);
	else
		replay_report(stdout, &replay, c, &result);
	return load_wrong(&result.load) ? 1 : 0;
}

static int
replay_verb(int argc, char **argv)
{
	struct options o = {.listen = 80, .connections = 64};
	struct catalog c = {0};
	int r = parse_options(argc, argv, &o);

	if (r != 0)
		return r;
	r = read_log(o.log, &c);
	if (r == 0)
		r = o.prepare ? prepare(&o, &c) : play(&o, &c);
	catalog_fini(&c);
	return r;
}

static int
content_verb(int argc, char **argv)
{
	if (argc != 2)
		return bad_usage("content needs", "DIR");
	int r = album_make(argv[1], NULL);

	if (r >= 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", argv[1], strerror(-r));
	return 1;
}

int
verb_bench(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "content"))
		return content_verb(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "handoff"))
		return bench_handoff(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "replay"))
		return replay_verb(argc - 1, argv + 1);
	fputs(usage, stderr);
	return 2;
}
