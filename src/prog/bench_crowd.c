/* sevenfold bench crowd: many clients that prefer what is popular. */
#include "prog/bench_crowd.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>

#include "admin/human.h"
#include "base/clock.h"
#include "bench/crowd.h"

static const char usage[] =
	"usage: sevenfold bench crowd --target ADDR[:PORT] [OPTIONS]\n"
	"\n"
	"Clients that ask for /o/0, /o/1, ... as fast as they are answered, "
	"the\n"
	"first ones more often (Zipf).\n"
	"\n"
	"  --objects N         how many there are (100)\n"
	"  --alpha A           how much more popular the first ones are (0.8)\n"
	"  --bytes N           the size of each (10000)\n"
	"  --connections N     at the same time (64)\n"
	"  --per-connection N  requests on each (no limit)\n"
	"  --seconds N         for so long (10)\n"
	"  --flash N           from then on, half of all requests are for "
	"/flash\n"
	"  --host NAME         what the requests say in Host (the target)\n"
	"  --seed N            another sequence of requests (1)\n"
	"  --json              the result as one line of JSON\n";

static bool
read_number(const char *z, uint64_t most, uint64_t *out)
{
	return str_u64(str_z(z), most, out) == 0 && *out > 0;
}

static bool
read_target(const char *z, struct crowd *c)
{
	struct str rest = str_z(z), addr;
	char dotted[INET_ADDRSTRLEN];
	uint64_t port = 80;

	(void)str_split(&rest, ':', &addr);
	if (addr.n >= sizeof(dotted))
		return false;
	memcpy(dotted, addr.p, addr.n);
	dotted[addr.n] = '\0';
	if (rest.p && !read_number(rest.p, UINT16_MAX, &port))
		return false;
	c->port = (uint16_t)port;
	if (!c->host.p)
		c->host = str_z(z);
	return inet_pton(AF_INET, dotted, &c->addr) == 1;
}

static bool
read_alpha(const char *z, double *out)
{
	char *end;

	*out = strtod(z, &end);
	return end != z && !*end && *out >= 0 && *out <= 10;
}

static bool
read_seconds(const char *z, uint64_t *ns)
{
	uint64_t s;

	if (!read_number(z, CROWD_SECONDS - 1, &s))
		return false;
	*ns = s * NS_PER_S;
	return true;
}

static const struct option options[] = {
	{"target", required_argument, NULL, 't'},
	{"objects", required_argument, NULL, 'o'},
	{"alpha", required_argument, NULL, 'a'},
	{"bytes", required_argument, NULL, 'b'},
	{"connections", required_argument, NULL, 'c'},
	{"per-connection", required_argument, NULL, 'p'},
	{"seconds", required_argument, NULL, 's'},
	{"flash", required_argument, NULL, 'f'},
	{"host", required_argument, NULL, 'h'},
	{"seed", required_argument, NULL, 'r'},
	{"json", no_argument, NULL, 'j'},
	{0},
};

static bool
read_option(int opt, struct crowd *c, bool *json)
{
	uint64_t n;

	switch (opt) {
	case 't': return read_target(optarg, c);
	case 'a': return read_alpha(optarg, &c->alpha);
	case 's': return read_seconds(optarg, &c->duration_ns);
	case 'f': return read_seconds(optarg, &c->flash_ns);
	case 'b': return read_number(optarg, UINT32_MAX, &c->bytes);
	case 'r': return read_number(optarg, UINT64_MAX, &c->seed);
	case 'h': c->host = str_z(optarg); return true;
	case 'j': *json = true; return true;
	case 'o':
		if (!read_number(optarg, 100000000, &n))
			return false;
		c->objects = n;
		return true;
	case 'c':
	case 'p':
		if (!read_number(optarg, 10000000, &n))
			return false;
		*(opt == 'c' ? &c->connections : &c->per_connection) =
			(unsigned)n;
		return true;
	default: return false;
	}
}

/* The busiest node by the mean, in one second or over all. */
static double
peak(const struct crowd_result *r, int second)
{
	uint64_t sum = 0, most = 0;

	for (size_t i = 0; i < r->nnodes; i++) {
		uint64_t n =
			second < 0 ? r->nodes[i].served : r->by_node[second][i];

		sum += n;
		most = n > most ? n : most;
	}
	return sum ? (double)most * (double)r->nnodes / (double)sum : 0;
}

static double
seconds_of(const struct crowd_result *r)
{
	return (double)r->load.elapsed_ns / (double)NS_PER_S;
}

static void
print_json(const struct crowd_result *r)
{
	json_t *nodes = json_object(), *seconds = json_array(), *o;
	double s = seconds_of(r);

	for (size_t i = 0; i < r->nnodes; i++)
		json_object_set_new(nodes, r->nodes[i].name,
			json_pack("{s:I, s:I}", "taken",
				(json_int_t)r->nodes[i].taken, "served",
				(json_int_t)r->nodes[i].served));
	for (int i = 0; i < (int)s && i < CROWD_SECONDS; i++)
		json_array_append_new(seconds,
			json_pack("{s:I, s:f}", "answers",
				(json_int_t)r->second[i], "peak", peak(r, i)));
	o = json_pack("{s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:o, s:o}",
		"requests", (json_int_t)load_requests(&r->load), "wrong",
		(json_int_t)load_wrong(&r->load), "seconds", s,
		"requests_per_s",
		s > 0 ? (double)load_requests(&r->load) / s : 0, "flash",
		(json_int_t)r->flash, "peak", peak(r, -1), "p50_ms",
		(double)hist_quantile(&r->load.latency_ns, .5) / 1e6, "p99_ms",
		(double)hist_quantile(&r->load.latency_ns, .99) / 1e6, "nodes",
		nodes, "per_second", seconds);
	for (int i = 1; i < LOAD_OUTCOMES; i++)
		if (r->load.outcomes[i])
			json_object_set_new(o,
				load_outcome_text((enum load_outcome)i),
				json_integer((json_int_t)r->load.outcomes[i]));
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	puts("");
	json_decref(o);
}

static void
print_text(const struct crowd_result *r)
{
	double s = seconds_of(r);
	uint64_t n = load_requests(&r->load);

	printf("%s requests in %.1f s, %s/s; wrong: %s\n", human_count(n).z, s,
		human_count((uint64_t)((double)n / s)).z,
		human_count(load_wrong(&r->load)).z);
	printf("answers came from %zu nodes; from the busiest, %.2f times the "
	       "mean\n",
		r->nnodes, peak(r, -1));
	for (int i = 1; i < LOAD_OUTCOMES; i++)
		if (r->load.outcomes[i])
			printf("%s: %s\n",
				load_outcome_text((enum load_outcome)i),
				human_count(r->load.outcomes[i]).z);
}

int
bench_crowd(int argc, char **argv)
{
	static struct crowd_result result;
	struct crowd c = {.objects = 100,
		.alpha = 0.8,
		.bytes = 10000,
		.connections = 64,
		.duration_ns = 10 * NS_PER_S,
		.flash_ns = UINT64_MAX,
		.seed = 1};
	bool json = false, fine = true;
	int opt, r;

	while (fine && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		fine = read_option(opt, &c, &json);
	if (!fine || optind < argc || !c.port) {
		fputs(usage, stderr);
		return 2;
	}
	c.progress = !json;
	r = crowd_run(&c, &result);
	if (r < 0) {
		fprintf(stderr, "sevenfold bench: %s\n", strerror(-r));
		return 1;
	}
	if (json)
		print_json(&result);
	else
		print_text(&result);
	return load_wrong(&result.load) ? 1 : 0;
}
