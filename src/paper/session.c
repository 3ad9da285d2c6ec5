/* See session.h. */
#include "paper/session.h"

#include "admin/human.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/content.h"
#include "lab/state.h"
#include "paper/report.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	FAILURES_MAX = 3, /* in a row: then it's no cell's fault */
};
#define LINK_BITS_MIN 5000000

struct session {
	const struct session_options *o;
	struct run_options run; /* with its folder */
	struct results results;
	char *results_path; /* owned */
	char version[64], setup[160];
	uint64_t began_ns;
	unsigned cpus;
	double expected_s, took_s; /* of the runs so far */
	unsigned failures;	   /* in a row */
	size_t failed;
};

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

	for (; i < s->o->matrix.n; i++)
		if (!is_done(s, &s->o->matrix.cells[i]))
			sum += run_expected_s(&s->run, &s->o->matrix.cells[i]);
	return s->expected_s > 0 ? sum * s->took_s / s->expected_s : sum;
}

static void
tell_progress(const struct session *s, size_t i)
{
	own_free char *name = cell_name(&s->o->matrix.cells[i]);

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K  [%zu/%zu] %s, %s left", i + 1,
			s->o->matrix.n, name,
			human_duration(ceil(left_s(s, i))).z);
}

static void
tell_result(const struct session *s, size_t i, const struct result *r)
{
	own_free char *name = cell_name(&r->cell);
	const struct figures *f = &r->f;

	fprintf(stderr,
		"%s[%zu/%zu] %s: %.0f/s, %.1f Mbit/s of links of %g, copies "
		"%.2f, hits %.0f %%, %s %.0f %%; limit: %s; %s left\n",
		isatty(STDERR_FILENO) ? "\r\033[K" : "", i + 1, s->o->matrix.n,
		name, f->requests_per_s, f->mbit_per_s, f->link_mbit, f->copies,
		100 * f->hits, r->busiest, 100 * f->busiest,
		limit_name(r->limit), human_duration(ceil(left_s(s, i + 1))).z);
}

/* Where time is short, looking again is not what it is for. */
static bool
may_repeat(const struct session *s, size_t i, uint64_t link_bits)
{
	const struct cell *c = &s->o->matrix.cells[i];

	if (link_bits / 2 < LINK_BITS_MIN || c->scarce != SCARCE_LINK)
		return false;
	return s->o->repeat_until_s <= 0 ||
		elapsed_s(s) + left_s(s, i + 1) + run_expected_s(&s->run, c) <
		s->o->repeat_until_s;
}

/* One run; 0, -EINTR, or negative errno. */
static int
attempt(struct session *s, size_t i, uint64_t link_bits, struct result *out)
{
	const struct cell *c = &s->o->matrix.cells[i];
	uint64_t from_ns = clock_mono_ns();
	int r;

	tell_progress(s, i);
	r = run_cell(&s->run, c, link_bits, out);
	if (r < 0)
		return r;
	s->took_s += (double)(clock_mono_ns() - from_ns) / 1e9;
	s->expected_s += run_expected_s(&s->run, c);
	strcpy(out->version, s->version);
	strcpy(out->setup, s->setup);
	return 0;
}

/* With slower links again while the machine may have been in the way. */
static int
measure_cell(struct session *s, size_t i)
{
	uint64_t link_bits = run_link_bits(&s->run, &s->o->matrix.cells[i]);
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

/* 0: all that can be is done; SESSION_UNFINISHED: time is up; negative errno.
 */
static int
measure_all(struct session *s)
{
	int r = 0;

	for (size_t i = 0; i < s->o->matrix.n; i++) {
		if (is_done(s, &s->o->matrix.cells[i]))
			continue;
		if (s->o->stop_after_s &&
			elapsed_s(s) > (double)s->o->stop_after_s)
			return SESSION_UNFINISHED;
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

static int
measure_matrix(struct session *s)
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
	s->run.folder = folder;
	s->began_ns = clock_mono_ns();
	s->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	state_hold(NULL);
	r = measure_all(s);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	s->run.folder = NULL;
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

int
session_run(const struct session_options *o)
{
	struct session s = {.o = o, .run = o->run};
	int r, written;

	s.results_path = xasprintf("%s/results.jsonl", o->dir);
	read_version(s.version, sizeof(s.version));
	run_setup(&o->run, s.setup, sizeof(s.setup));
	r = load_results(&s);
	if (r == 0 && !o->report_only)
		r = measure_matrix(&s);
	if (s.results.n > 0) {
		written = write_report(&s);
		print_claims(&s);
		r = r == 0 ? written : r;
	} else if (r >= 0) {
		fputs("paper: no results\n", stderr);
		r = -ENOENT;
	}
	results_fini(&s.results);
	free(s.results_path);
	return r;
}
