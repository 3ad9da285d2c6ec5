/* See result.h. */
#include "paper/result.h"

#include "base/mem.h"
#include "base/own.h"
#include "lab/arch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>

/* What a run must have to prove that the machine had time to spare. On two
 * cores, links of 20 Mbit/s leave 27 % of it with 16 nodes. */
#define IDLE_MIN 0.20
#define STEAL_MAX 0.05
#define LATE_MAX_MS 2.0
/* With less of the machine than this, the lab does not busy it. */
#define OWN_MIN 0.3
/* A link that is full; 94.1 % of what it carries is HTTP. */
#define FULL 0.95

static const struct {
	const char *name, *text;
} limits[] = {
	[LIMIT_LINK] = {"link", "a full link"},
	[LIMIT_TIME] = {"time", "the nodes' share of a core"},
	[LIMIT_LINK_NOISY] = {"link?", "a full link, on a busy machine"},
	[LIMIT_TIME_NOISY] = {"time?",
		"the nodes' share of a core, on a busy "
		"machine"},
	[LIMIT_WAITS] = {"waits", "no full link, and time to spare: waiting"},
	[LIMIT_MACHINE] = {"machine", "perhaps the CPU of the machine"},
};

const char *
limit_name(enum limit l)
{
	return limits[l].name;
}

const char *
limit_text(enum limit l)
{
	return limits[l].text;
}

enum limit
limit_of(const struct figures *f, bool time_bound)
{
	bool spare = f->idle >= IDLE_MIN && f->steal < STEAL_MAX &&
		f->late_p99_ms < LATE_MAX_MS;

	if (f->busiest >= FULL)
		return spare ? LIMIT_LINK : LIMIT_LINK_NOISY;
	if (time_bound)
		return spare ? LIMIT_TIME : LIMIT_TIME_NOISY;
	return spare ? LIMIT_WAITS : LIMIT_MACHINE;
}

bool
limit_is_doubtful(enum limit l)
{
	return l == LIMIT_MACHINE || l == LIMIT_LINK_NOISY ||
		l == LIMIT_TIME_NOISY;
}

bool
result_wants_slower(enum limit l, const struct figures *f, unsigned cpus)
{
	return l == LIMIT_MACHINE ||
		(l == LIMIT_LINK_NOISY && f->lab_cpu > OWN_MIN * cpus);
}

/* --- one as JSON --- */

static json_t *
number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
hosts_json(const struct result *r)
{
	json_t *all = json_object();

	for (size_t i = 0; i < r->nhosts; i++) {
		const struct host_figures *h = &r->hosts[i];

		json_object_set_new(all, h->name,
			json_pack("[f,f,f,f]", h->to_mbit, h->from_mbit, h->cpu,
				h->requests_per_s));
	}
	return all;
}

json_t *
result_json(const struct result *r)
{
	const struct cell *c = &r->cell;
	json_t *j = json_pack("{s:s, s:s, s:i, s:s, s:s, s:f, s:s, s:s, s:s,"
			      " s:s, s:s, s:s}",
		"arch", c->arch->name, "policy", c->policy, "nodes",
		(int)c->nodes, "workload", c->workload, "scarce",
		cell_scarce_name(c->scarce), "rate", c->rate, "version",
		r->version, "setup", r->setup, "when", r->when, "limit",
		limits[r->limit].name, "busiest_link", r->busiest, "wrong_ways",
		r->wrong);

#define FIGURE(name, what) json_object_set_new(j, #name, number(r->f.name));
#include "paper/figure.def"
#undef FIGURE
	/* name: Mbit/s to it, from it, cores, requests/s */
	json_object_set_new(j, "hosts", hosts_json(r));
	return j;
}

static double
read_number(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* The one of names that z is, so that it lives on. */
static const char *
known(const char *z, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(z, names[i]))
			return names[i];
	return NULL;
}

static bool
read_cell(const json_t *j, struct cell *c)
{
	const char *arch, *policy, *workload, *scarce;
	int nodes;

	if (json_unpack((json_t *)j, "{s:s, s:s, s:i, s:s, s:s, s:F}", "arch",
		    &arch, "policy", &policy, "nodes", &nodes, "workload",
		    &workload, "scarce", &scarce, "rate", &c->rate) < 0 ||
		nodes < 1)
		return false;
	c->arch = arch_find(arch);
	c->nodes = (unsigned)nodes;
	c->policy = *policy ? known(policy, cell_policies, CELL_POLICIES) : "";
	c->workload = known(workload, cell_workloads, CELL_WORKLOADS);
	while (c->scarce < SCARCES &&
		strcmp(scarce, cell_scarce_name(c->scarce)) != 0)
		c->scarce++;
	return c->arch && c->policy && c->workload && c->scarce < SCARCES;
}

static bool
read_hosts(json_t *all, struct result *r)
{
	const char *name;
	json_t *v;

	json_object_foreach(all, name, v)
	{
		struct host_figures *h = &r->hosts[r->nhosts];

		if (r->nhosts == RESULT_HOSTS ||
			strlen(name) >= sizeof(h->name) ||
			json_unpack(v, "[F,F,F,F]", &h->to_mbit, &h->from_mbit,
				&h->cpu, &h->requests_per_s) < 0)
			return false;
		strcpy(h->name, name);
		r->nhosts++;
	}
	return true;
}

static bool
read_text(const json_t *j, const char *name, char *out, size_t size)
{
	const char *z = json_string_value(json_object_get(j, name));

	return z && (size_t)snprintf(out, size, "%s", z) < size;
}

static bool
read_limit(const json_t *j, enum limit *out)
{
	char name[16];

	if (!read_text(j, "limit", name, sizeof(name)))
		return false;
	for (enum limit l = 0; l < LIMITS; l++)
		if (!strcmp(name, limits[l].name)) {
			*out = l;
			return true;
		}
	return false;
}

bool
result_read(const json_t *j, struct result *out)
{
	struct result r = {0};

	if (!read_cell(j, &r.cell) || !read_limit(j, &r.limit) ||
		!read_text(j, "version", r.version, sizeof(r.version)) ||
		!read_text(j, "setup", r.setup, sizeof(r.setup)) ||
		!read_text(j, "when", r.when, sizeof(r.when)) ||
		!read_text(j, "busiest_link", r.busiest, sizeof(r.busiest)) ||
		!read_text(j, "wrong_ways", r.wrong, sizeof(r.wrong)) ||
		!read_hosts(json_object_get(j, "hosts"), &r))
		return false;
#define FIGURE(name, what) r.f.name = read_number(j, #name);
#include "paper/figure.def"
#undef FIGURE
	*out = r;
	return true;
}

/* --- a file of them --- */

static void
keep(struct results *rs, const struct result *r)
{
	rs->v = xrealloc(rs->v, (rs->n + 1) * sizeof(*rs->v));
	rs->v[rs->n++] = *r;
}

int
results_load(struct results *rs, const char *path, size_t *bad)
{
	own_file FILE *f = fopen(path, "re");
	own_free char *line = NULL;
	struct result r;
	size_t cap = 0;
	ssize_t n;

	*bad = 0;
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while ((n = getline(&line, &cap, f)) > 0) {
		json_t *j = json_loadb(line, (size_t)n, 0, NULL);

		if (result_read(j, &r))
			keep(rs, &r);
		else
			++*bad;
		json_decref(j);
	}
	return ferror(f) ? -EIO : 0;
}

/* What a run that was killed had begun to write gets a line of its own. */
static bool
ends_in_a_line(int fd)
{
	char last;
	off_t end = lseek(fd, 0, SEEK_END);

	return end <= 0 || (pread(fd, &last, 1, end - 1) == 1 && last == '\n');
}

int
results_add(struct results *rs, const char *path, const struct result *r)
{
	own_fd int fd =
		open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	json_t *j = result_json(r);
	own_free char *text =
		json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(j);
	if (fd < 0)
		return -errno;
	own_free char *line = xasprintf(
		"%s%s\n", ends_in_a_line(fd) ? "" : "\n", text ? text : "");
	if (!text || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return -EIO;
	keep(rs, r);
	return 0;
}

void
results_fini(struct results *rs)
{
	free(rs->v);
	*rs = (struct results){0};
}

const struct result *
results_find(const struct results *rs, const struct cell *c,
	const char *version, const char *setup)
{
	for (size_t i = rs->n; i-- > 0;) {
		const struct result *r = &rs->v[i];

		if (cell_equal(&r->cell, c) &&
			(!version || !strcmp(version, r->version)) &&
			(!setup || !strcmp(setup, r->setup)))
			return r;
	}
	return NULL;
}
