/* sevenfold bench paper: the paper's experiment, in the lab. */
#include "prog/bench_paper.h"

#include "lab/shape.h"
#include "paper/session.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	QUICK_S = 600,
	QUICK_WARM_S = 3,
	QUICK_MEASURE_S = 6,
	EXIT_UNFINISHED = 3,
};

static const char usage_text[] =
	"usage: sevenfold bench paper [DIR] [OPTIONS]\n"
	"\n"
	"The experiment of the paper, in the lab, beside the paper's figures:\n"
	"architectures, policies and workloads with 1 to 16 nodes. DIR\n"
	"(sevenfold-paper) gets results.jsonl, which a later call goes on "
	"with,\n"
	"and report.md, report.html, results.csv. Hours; needs root.\n"
	"\n"
	"  --quick            what shows the shapes, in 10 minutes\n"
	"  --archs LIST       conventional,distributed,sevenfold,... (all)\n"
	"  --nodes LIST       1,2,4,8,16 (all)\n"
	"  --policies LIST    rr,md5,mit_ch,carp,mod_ch,ht_rr (all)\n"
	"  --workloads LIST   surge-100,unc-2001,berkeley-1998 (all)\n"
	"  --scarce LIST      link,time: what limits the cluster (both)\n"
	"  --rate N           open loop: requests a second for each node\n"
	"  --link RATE        of each host, less if the machine needs it "
	"(20mbit)\n"
	"  --share SHARE      of a core, for each node where time is scarce "
	"(0.6%)\n"
	"  --warm S           seconds before anything counts; slower links\n"
	"                     get more (5)\n"
	"  --measure S        seconds that count (8)\n"
	"  --seed N           another sequence of requests\n"
	"  --stop-after S     no new run after so many seconds; exit status "
	"3\n"
	"                     if there is more to do\n"
	"  --report           no runs: only the report, of what is there\n";

struct options {
	struct session_options *session; /* borrowed */
	struct matrix_choice choice;
	bool quick;
};

static int
usage(FILE *out, int status)
{
	fputs(usage_text, out);
	return status;
}

/* --- options --- */

static bool
parse_number(const char *z, uint64_t max, uint64_t *out)
{
	return str_u64(str_z(z), max, out) == 0 && *out > 0;
}

static bool
parse_real(const char *z, double max, double *out)
{
	char *end;
	double v = strtod(z, &end);

	if (end == z || *end || !(v > 0) || v > max)
		return false;
	*out = v;
	return true;
}

static bool
parse_option(int c, struct options *o)
{
	switch (c) {
	case 'q':
		o->quick = true;
		o->session->repeat_until_s = QUICK_S;
		o->session->run.warm_s = QUICK_WARM_S;
		o->session->run.measure_s = QUICK_MEASURE_S;
		return true;
	case 'R': o->session->report_only = true; return true;
	case 'a': o->choice.archs = optarg; return true;
	case 'n': o->choice.nodes = optarg; return true;
	case 'p': o->choice.policies = optarg; return true;
	case 'w': o->choice.workloads = optarg; return true;
	case 's': o->choice.scarce = optarg; return true;
	case 'r': return parse_real(optarg, 1e6, &o->choice.rate);
	case 'l':
		return shape_parse_rate(
			       str_z(optarg), &o->session->run.link_bits) == 0;
	case 'c':
		return shape_parse_cpu(str_z(optarg),
			       &o->session->run.share_millicores) == 0;
	case 'W': return parse_real(optarg, 3600, &o->session->run.warm_s);
	case 'm': return parse_real(optarg, 3600, &o->session->run.measure_s);
	case 'S':
		return parse_number(optarg, UINT64_MAX, &o->session->run.seed);
	case 't':
		return parse_number(optarg, 1000000, &o->session->stop_after_s);
	default: return false;
	}
}

static const struct option long_options[] = {
	{"quick", no_argument, NULL, 'q'},
	{"report", no_argument, NULL, 'R'},
	{"archs", required_argument, NULL, 'a'},
	{"nodes", required_argument, NULL, 'n'},
	{"policies", required_argument, NULL, 'p'},
	{"workloads", required_argument, NULL, 'w'},
	{"scarce", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"link", required_argument, NULL, 'l'},
	{"share", required_argument, NULL, 'c'},
	{"warm", required_argument, NULL, 'W'},
	{"measure", required_argument, NULL, 'm'},
	{"seed", required_argument, NULL, 'S'},
	{"stop-after", required_argument, NULL, 't'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* 0; else the exit status plus 1. */
static int
read_options(int argc, char **argv, struct options *o)
{
	int c, at = 0;

	while ((c = getopt_long(argc, argv, "h", long_options, &at)) != -1) {
		if (c == 'h')
			return usage(stdout, 0) + 1;
		if (c == '?')
			return usage(stderr, 2) + 1;
		if (!parse_option(c, o)) {
			fprintf(stderr, "paper: --%s can't be '%s'\n",
				long_options[at].name, optarg);
			return 3;
		}
	}
	if (argc - optind > 1)
		return usage(stderr, 2) + 1;
	if (optind < argc)
		o->session->dir = argv[optind];
	return 0;
}

static bool
is_chosen(const struct matrix_choice *c)
{
	return c->archs || c->nodes || c->policies || c->workloads ||
		c->scarce || c->rate > 0;
}

static int
choose(const struct options *o, struct matrix *m)
{
	struct str bad = {0};

	if (o->quick && is_chosen(&o->choice)) {
		fputs("paper: --quick has its own choice of runs\n", stderr);
		return 2;
	}
	if (o->quick) {
		matrix_quick(m);
		return 0;
	}
	if (matrix_choose(m, &o->choice, &bad))
		return 0;
	fprintf(stderr, "paper: no list can have '%.*s'\n", STR_ARG(bad));
	return 2;
}

static int
exit_status(int r)
{
	switch (r) {
	case SESSION_DONE: return 0;
	case SESSION_UNFINISHED: return EXIT_UNFINISHED;
	case -EINTR: return 130;
	default: return 1;
	}
}

int
bench_paper(int argc, char **argv)
{
	struct session_options o = {
		.run = {.link_bits = 20000000,
			.warm_s = 5,
			.measure_s = 8,
			.per_server = 63,
			.share_millicores = 6,
			.seed = 20081},
		.dir = "sevenfold-paper",
	};
	struct options choice = {.session = &o};
	int r = read_options(argc, argv, &choice);

	if (r != 0)
		return r - 1;
	r = choose(&choice, &o.matrix);
	if (r == 0)
		r = exit_status(session_run(&o));
	matrix_fini(&o.matrix);
	return r;
}
