/* See bench_options.h. */
#include "prog/bench_options.h"

#include "base/own.h"
#include "base/str.h"
#include "bench/nginx.h"
#include "bench/origin.h"
#include "bench/play.h"
#include "bench/play_report.h"
#include "bench/surge.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>

/* Letters for the verbs' lists of what they have. */
static const struct option long_options[] = {
	{"target", required_argument, NULL, 't'},
	{"serve", required_argument, NULL, 'o'},
	{"host", required_argument, NULL, 'h'},
	{"connections", required_argument, NULL, 'c'},
	{"users", required_argument, NULL, 'u'},
	{"servers", required_argument, NULL, 's'},
	{"close", no_argument, NULL, 'x'},
	{"per-connection", required_argument, NULL, 'P'},
	{"objects", required_argument, NULL, 'N'},
	{"alpha", required_argument, NULL, 'a'},
	{"bytes", required_argument, NULL, 'b'},
	{"flash", required_argument, NULL, 'k'},
	{"rate", required_argument, NULL, 'r'},
	{"duration", required_argument, NULL, 'd'},
	{"limit", required_argument, NULL, 'n'},
	{"seed", required_argument, NULL, 'S'},
	{"files", required_argument, NULL, 'f'},
	{"format", required_argument, NULL, 'F'},
	{"prepare", required_argument, NULL, 'p'},
	{"port", required_argument, NULL, 'l'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

/* Connections that an origin may have. */
enum { SERVED = 16384 };

int
bench_bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "sevenfold bench: %s '%s'\n\n", what, value);
	fputs("usage: sevenfold bench VERB ...; see 'sevenfold bench'\n",
		stderr);
	return 2;
}

/* An IPv4 address, or a name that has one. */
static bool
resolve(const char *name, struct in_addr *out)
{
	const struct addrinfo hints = {
		.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (inet_pton(AF_INET, name, out) == 1)
		return true;
	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	*out = ((const struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
	freeaddrinfo(found);
	return true;
}

/* "192.0.2.10", "192.0.2.10:80", "example.org:80" */
static bool
parse_address(const char *z, struct bench_options *o)
{
	struct str rest = str_z(z), host;
	uint64_t port = 80;
	char name[256];

	str_split(&rest, ':', &host);
	if (host.n == 0 || host.n >= sizeof(name))
		return false;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	if (rest.p && (str_u64(rest, UINT16_MAX, &port) < 0 || port == 0))
		return false;
	o->port = (uint16_t)port;
	return resolve(name, &o->addr);
}

static bool
parse_number(const char *z, uint64_t max, uint64_t *out)
{
	return str_u64(str_z(z), max, out) == 0 && *out > 0;
}

/* "90", "90s", "15m", "2h", "500ms" */
static bool
parse_duration(const char *z, uint64_t *out_ns)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"ms", 0.001}};
	char *end;
	double n = strtod(z, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != z && !strcmp(end, units[i].unit) && n > 0 &&
			n * units[i].s < 1e6) {
			*out_ns = (uint64_t)(n * units[i].s * 1e9);
			return *out_ns > 0;
		}
	return false;
}

static bool
parse_rate(const char *z, double *out)
{
	char *end;
	double n = strtod(z, &end);

	if (end == z || *end || !(n > 0) || n > 1e7)
		return false;
	*out = n;
	return true;
}

static bool
parse_alpha(const char *z, double *out)
{
	char *end;

	*out = strtod(z, &end);
	return end != z && !*end && *out >= 0 && *out <= 10;
}

/* Each argument in turn: false if its value makes no sense. */
static bool
take(struct bench_options *o, int opt, const char *z)
{
	uint64_t n = 1;
	bool ok = true;

	switch (opt) {
	case 't': return parse_address(o->target = z, o);
	case 'o': return parse_address(o->serve = z, o);
	case 'r': return parse_rate(z, &o->rate);
	case 'd': return parse_duration(z, &o->duration_ns);
	case 'n': return parse_number(z, UINT32_MAX, &o->limit);
	case 'N': return parse_number(z, 100 * 1000 * 1000, &o->objects);
	case 'b': return parse_number(z, UINT32_MAX, &o->bytes);
	case 'k': return parse_duration(z, &o->flash_ns);
	case 'a': return parse_alpha(z, &o->alpha);
	case 'S': return str_u64(str_z(z), UINT64_MAX, &o->seed) == 0;
	case 'h': o->host = z; break;
	case 'F': o->format = z; break;
	case 'p': o->prepare = z; break;
	case 'x': o->close = true; break;
	case 'j': o->json = true; break;
	case 'l':
		if ((ok = parse_number(z, UINT16_MAX, &n)))
			o->listen = (uint16_t)n;
		break;
	case 'f':
		if ((ok = parse_number(z, SURGE_FILES_MAX, &n) &&
				    n >= SURGE_FILES_MIN))
			o->files = (unsigned)n;
		break;
	case 'P':
		if ((ok = parse_number(z, UINT32_MAX, &n)))
			o->per_connection = (unsigned)n;
		break;
	case 'u':
	case 'c':
		if ((ok = parse_number(z, 50000, &n)))
			o->connections = (unsigned)n;
		break;
	case 's':
		if ((ok = parse_number(z, 500, &n)))
			o->connections = (unsigned)n * BENCH_PER_SERVER;
		break;
	}
	return ok;
}

static const char *
name_of(int opt)
{
	const struct option *l = long_options;

	while (l->name && l->val != opt)
		l++;
	return l->name;
}

static int
read_one(struct bench_options *o, const char *allowed, int opt)
{
	char what[64];

	if (opt == '?')
		return bench_bad_usage(
			"no option, or without its value:", "see above");
	if (!strchr(allowed, opt))
		return bench_bad_usage("this verb has no", name_of(opt));
	if (take(o, opt, optarg))
		return 0;
	snprintf(what, sizeof(what), "--%s can't be", name_of(opt));
	return bench_bad_usage(what, optarg);
}

int
bench_options_read(
	struct bench_options *o, const char *allowed, int argc, char **argv)
{
	int opt, r;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if ((r = read_one(o, allowed, opt)) != 0)
			return r;
	o->args = argv + optind;
	o->nargs = argc - optind;
	if (!!o->prepare + !!o->target + !!o->serve != 1)
		return bench_bad_usage(
			"needs one of", "--target, --prepare, --serve");
	return 0;
}

static int
prepare(const struct bench_options *o, const struct catalog *c)
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
serve(const struct bench_options *o, const struct catalog *c)
{
	int r = origin_run(c, o->addr, o->port);

	fprintf(stderr, "sevenfold bench: %s: %s\n", o->serve, strerror(-r));
	return 1;
}

struct play
bench_play_of(const struct bench_options *o)
{
	return (struct play){
		.load =
			{
				.addr = o->addr,
				.port = o->port,
				.connections = o->connections,
				.per_connection =
					o->close ? 1 : o->per_connection,
				.rate = o->rate,
				.duration_ns = o->duration_ns,
				.progress = !o->json,
			},
		.host = str_z(o->host	    ? o->host
				: o->target ? o->target
					    : ""),
		.limit = o->limit,
	};
}

static void
report(const struct bench_options *o, const struct play *p,
	const struct catalog *c, const struct play_result *r,
	const struct bench_epilogue *e)
{
	if (!o->json) {
		play_report(stdout, p, c, r);
		if (e)
			e->text(p, r);
		return;
	}
	json_t *json = play_report_json(p, c, r);
	if (e)
		json_object_set_new(json, e->name, e->json(r));
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

int
bench_play_with(const struct bench_options *o, const struct play *p,
	const struct catalog *c, const struct bench_epilogue *e)
{
	static struct play_result result;

	sock_allow(o->serve ? SERVED : o->connections);
	if (o->prepare)
		return prepare(o, c);
	if (o->serve)
		return serve(o, c);
	int r = play_run(p, c, &result);
	if (r < 0) {
		fprintf(stderr, "sevenfold bench: %s\n", strerror(-r));
		return 1;
	}
	report(o, p, c, &result, e);
	return load_wrong(&result.load) ? 1 : 0;
}

int
bench_play(const struct bench_options *o, const struct play *p,
	const struct catalog *c)
{
	return bench_play_with(o, p, c, NULL);
}
