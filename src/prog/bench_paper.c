/* sevenfold bench paper: the paper's experiment, in the lab. */
#include "prog/bench_paper.h"

#include "admin/human.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/content.h"
#include "lab/shape.h"
#include "lab/state.h"
#include "paper/report.h"
#include "paper/run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	QUICK_S = 600,
	QUICK_WARM_S = 3,
	QUICK_MEASURE_S = 6,
	FAILURES_MAX = 3, /* in a row: then it's no cell's fault */
	EXIT_UNFINISHED = 3,
};
#define LINK_BITS_MIN 5000000

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
	"(1%)\n"
	"  --warm S           seconds before anything counts (5)\n"
	"  --measure S        seconds that count (8)\n"
	"  --seed N           another sequence of requests\n"
	"  --stop-after S     no new run after so many seconds; exit status "
	"3\n"
	"                     if there is more to do\n"
	"  --report           no runs: only the report, of what is there\n";

struct options {
	struct run_options run;
	struct matrix_choice choice;
	const char *dir;
	uint64_t stop_after_s; /* 0: never */
	bool quick, report_only;
};

struct session {
	const struct options *o;
	struct matrix m;
	struct results results;
	char *results_path; /* owned */
	char version[64], setup[160];
	uint64_t began_ns;
	unsigned cpus;
	double expected_s, took_s; /* of the runs so far */
	unsigned failures;	   /* in a row */
	size_t failed;
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
		o->run.warm_s = QUICK_WARM_S;
		o->run.measure_s = QUICK_MEASURE_S;
		return true;
	case 'R': o->report_only = true; return true;
	case 'a': o->choice.archs = optarg; return true;
	case 'n': o->choice.nodes = optarg; return true;
	case 'p': o->choice.policies = optarg; return true;
	case 'w': o->choice.workloads = optarg; return true;
	case 's': o->choice.scarce = optarg; return true;
	case 'r': return parse_real(optarg, 1e6, &o->choice.rate);
	case 'l':
		return shape_parse_rate(str_z(optarg), &o->run.link_bits) == 0;
	case 'c':
		return shape_parse_cpu(
			       str_z(optarg), &o->run.share_millicores) == 0;
	case 'W': return parse_real(optarg, 3600, &o->run.warm_s);
	case 'm': return parse_real(optarg, 3600, &o->run.measure_s);
	case 'S': return parse_number(optarg, UINT64_MAX, &o->run.seed);
	case 't': return parse_number(optarg, 1000000, &o->stop_after_s);
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
		o->dir = argv[optind];
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

/* --- files --- */

/* Another build may behave otherwise. */
static void
read_version(char *out, size_t size)
{
	own_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st = {0};
	uint64_t build = 0;
	void *p = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			0);
	if (p != MAP_FAILED) {
		build = content_seed(str_of(p, (size_t)st.st_size));
		munmap(p, (size_t)st.st_size);
	}
	snprintf(out, size, "sevenfold " SEVENFOLD_VERSION " (build %08x)",
		(unsigned)(build >> 32));
}

static int
write_file(const char *dir, const char *name, const struct buf *b)
{
	own_free char *path = xasprintf("%s/%s", dir, name);
	own_file FILE *f = fopen(path, "we");

	if (f && fwrite(buf_head(b), 1, buf_len(b), f) == buf_len(b) &&
		fflush(f) == 0)
		return 0;
	fprintf(stderr, "paper: %s: %m\n", path);
	return -EIO;
}

static int
write_report(const struct session *s)
{
	static const struct {
		const char *name;
		void (*make)(const struct results *rs, struct buf *out);
	} files[] = {
		{"report.md", report_markdown},
		{"report.html", report_html},
		{"results.csv", report_csv},
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct buf b = {0};

		files[i].make(&s->results, &b);
		if (write_file(s->o->dir, files[i].name, &b) < 0)
			r = -EIO;
		buf_fini(&b);
	}
	return r;
}

static void
print_claims(const struct session *s)
{
	struct buf b = {0};

	report_claims(&s->results, &b);
	printf("%.*s", STR_ARG(buf_view(&b)));
	printf("in %s: report.html, report.md, results.csv\n", s->o->dir);
	buf_fini(&b);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

/* --- runs --- */

static bool
is_done(const struct session *s, const struct cell *c)
{
	return results_find(&s->results, c, s->version, s->setup);
}

static double
elapsed_s(const struct session *s)
{
	return (double)(clock_mono_ns() - s->began_ns) / 1e9;
}

/* What is left from cell i on, by what runs took so far. */
static double
left_s(const struct session *s, size_t i)
{
	double sum = 0;

	for (; i < s->m.n; i++)
		if (!is_done(s, &s->m.cells[i]))
			sum += run_expected_s(&s->o->run, &s->m.cells[i]);
	return s->expected_s > 0 ? sum * s->took_s / s->expected_s : sum;
}

static void
tell_progress(const struct session *s, size_t i)
{
	own_free char *name = cell_name(&s->m.cells[i]);

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K  [%zu/%zu] %s, %s left", i + 1,
			s->m.n, name, human_duration(ceil(left_s(s, i))).z);
}

static void
tell_result(const struct session *s, size_t i, const struct result *r)
{
	own_free char *name = cell_name(&r->cell);
	const struct figures *f = &r->f;

	fprintf(stderr,
		"%s[%zu/%zu] %s: %.0f/s, %.1f Mbit/s of links of %g, copies "
		"%.2f, hits %.0f %%, %s %.0f %%; limit: %s; %s left\n",
		isatty(STDERR_FILENO) ? "\r\033[K" : "", i + 1, s->m.n, name,
		f->requests_per_s, f->mbit_per_s, f->link_mbit, f->copies,
		100 * f->hits, r->busiest, 100 * f->busiest,
		limit_name(r->limit), human_duration(ceil(left_s(s, i + 1))).z);
}

/* In ten minutes there is only so much time to look again. */
static bool
may_repeat(const struct session *s, size_t i, uint64_t link_bits)
{
	const struct cell *c = &s->m.cells[i];

	if (link_bits / 2 < LINK_BITS_MIN || c->scarce != SCARCE_LINK)
		return false;
	return !s->o->quick ||
		elapsed_s(s) + left_s(s, i + 1) +
			run_expected_s(&s->o->run, c) <
		QUICK_S;
}

/* One run; 0, -EINTR, or negative errno. */
static int
attempt(struct session *s, size_t i, uint64_t link_bits, struct result *out)
{
	const struct cell *c = &s->m.cells[i];
	uint64_t from_ns = clock_mono_ns();
	int r;

	tell_progress(s, i);
	r = run_cell(&s->o->run, c, link_bits, out);
	if (r < 0)
		return r;
	s->took_s += (double)(clock_mono_ns() - from_ns) / 1e9;
	s->expected_s += run_expected_s(&s->o->run, c);
	strcpy(out->version, s->version);
	strcpy(out->setup, s->setup);
	return 0;
}

/* With slower links again while the machine may have been in the way. */
static int
measure_cell(struct session *s, size_t i)
{
	uint64_t link_bits = run_link_bits(&s->o->run, &s->m.cells[i]);
	struct result result;
	int r = attempt(s, i, link_bits, &result);

	while (r == 0 &&
		result_wants_slower(result.limit, &result.f, s->cpus) &&
		may_repeat(s, i, link_bits)) {
		tell_result(s, i, &result);
		link_bits /= 2;
		r = attempt(s, i, link_bits, &result);
	}
	if (r == 0)
		r = results_add(&s->results, s->results_path, &result);
	if (r == 0)
		tell_result(s, i, &result);
	return r;
}

/* 0: all that can be is done; EXIT_UNFINISHED: time is up; negative errno. */
static int
measure_all(struct session *s)
{
	int r = 0;

	for (size_t i = 0; i < s->m.n; i++) {
		if (is_done(s, &s->m.cells[i]))
			continue;
		if (s->o->stop_after_s &&
			elapsed_s(s) > (double)s->o->stop_after_s)
			return EXIT_UNFINISHED;
		r = measure_cell(s, i);
		if (r == -EINTR)
			return r;
		s->failures = r < 0 ? s->failures + 1 : 0;
		s->failed += r < 0;
		if (s->failures == FAILURES_MAX) {
			fputs("paper: three runs in a row failed\n", stderr);
			return r;
		}
	}
	return s->failed ? -EIO : 0;
}

static void
hold_signals(void)
{
	sigset_t hold;

	sigemptyset(&hold);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGTERM);
	sigaddset(&hold, SIGHUP);
	sigprocmask(SIG_BLOCK, &hold, NULL);
}

static int
measure_matrix(struct session *s, struct run_options *run)
{
	char folder[] = "/tmp/sevenfold-paper-XXXXXX";
	int r;

	if (geteuid() != 0) {
		fputs("paper: needs root, for network namespaces\n", stderr);
		return -EPERM;
	}
	if (!mkdtemp(folder) || chmod(folder, 0755) < 0) {
		fprintf(stderr, "paper: %s: %m\n", folder);
		return -errno;
	}
	run->folder = folder;
	s->began_ns = clock_mono_ns();
	s->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	hold_signals();
	r = measure_all(s);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	run->folder = NULL;
	return r;
}

static int
load_results(struct session *s)
{
	size_t bad;
	int r;

	if (mkdir(s->o->dir, 0755) < 0 && errno != EEXIST) {
		fprintf(stderr, "paper: %s: %m\n", s->o->dir);
		return -errno;
	}
	r = results_load(&s->results, s->results_path, &bad);
	if (r < 0)
		fprintf(stderr, "paper: %s: %s\n", s->results_path,
			strerror(-r));
	else if (bad > 0)
		fprintf(stderr, "paper: %s: %zu lines are no results\n",
			s->results_path, bad);
	return r;
}

static int
run_session(struct session *s, struct options *o)
{
	int r = load_results(s), written;

	if (r == 0 && !o->report_only)
		r = measure_matrix(s, &o->run);
	if (s->results.n == 0) {
		fputs("paper: no results\n", stderr);
		return 1;
	}
	written = write_report(s);
	print_claims(s);
	return r == -EINTR ? 130 : r < 0 || written < 0 ? 1 : r;
}

int
bench_paper(int argc, char **argv)
{
	struct options o = {
		.run = {.link_bits = 20000000,
			.warm_s = 5,
			.measure_s = 8,
			.per_server = 63,
			.share_millicores = 10,
			.seed = 20081},
		.dir = "sevenfold-paper",
	};
	struct session s = {.o = &o};
	int r = read_options(argc, argv, &o);

	if (r != 0)
		return r - 1;
	r = choose(&o, &s.m);
	if (r == 0) {
		s.results_path = xasprintf("%s/results.jsonl", o.dir);
		read_version(s.version, sizeof(s.version));
		run_setup(&o.run, s.setup, sizeof(s.setup));
		r = run_session(&s, &o);
	}
	matrix_fini(&s.m);
	results_fini(&s.results);
	free(s.results_path);
	return r;
}
