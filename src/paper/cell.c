/* See cell.h. */
#include "paper/cell.h"

#include "base/mem.h"
#include "lab/arch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const unsigned cell_sizes[CELL_SIZES] = {1, 2, 4, 8, 16};
const char *const cell_policies[CELL_POLICIES] = {
	"rr", "md5", "mit_ch", "carp", "mod_ch", "ht_rr"};
const char *const cell_workloads[CELL_WORKLOADS] = {
	"surge-100", "unc-2001", "berkeley-1998"};
static const char *const scarce_names[SCARCES] = {"link", "time"};

const char *
cell_scarce_name(enum scarce s)
{
	return scarce_names[s];
}

bool
cell_varies(const struct arch *a)
{
	return a->policies && a->one_copy && !a->squid;
}

bool
cell_equal(const struct cell *a, const struct cell *b)
{
	return a->arch == b->arch && a->nodes == b->nodes &&
		!strcmp(a->policy, b->policy) &&
		!strcmp(a->workload, b->workload) && a->scarce == b->scarce &&
		fabs(a->rate - b->rate) < 1e-6;
}

char *
cell_name(const struct cell *c)
{
	return xasprintf("%s%s%s %u %s %s", c->arch->name,
		*c->policy ? " " : "", c->policy, c->nodes, c->workload,
		scarce_names[c->scarce]);
}

static void
add(struct matrix *m, const struct cell *c)
{
	m->cells = xrealloc(m->cells, (m->n + 1) * sizeof(*m->cells));
	m->cells[m->n++] = *c;
}

void
matrix_fini(struct matrix *m)
{
	free(m->cells);
	*m = (struct matrix){0};
}

/* --- all combinations --- */

static bool
lists(const char *list, struct str name)
{
	struct str rest = str_z(list ? list : ""), word;

	while (list && str_split(&rest, ',', &word))
		if (str_eq(word, name))
			return true;
	return !list;
}

static bool
is_size(struct str word, unsigned *out)
{
	uint64_t n;

	for (size_t i = 0; i < CELL_SIZES; i++)
		if (str_u64(word, 1000, &n) == 0 && n == cell_sizes[i]) {
			*out = cell_sizes[i];
			return true;
		}
	return false;
}

static bool
is_arch(struct str word)
{
	const struct arch *a;

	for (size_t i = 0; (a = arch_at(i)); i++)
		if (str_eq(word, str_z(a->name)))
			return true;
	return false;
}

static bool
is_any(struct str word, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(word, str_z(names[i])))
			return true;
	return false;
}

static bool
is_known(struct str word, int which)
{
	unsigned size;

	switch (which) {
	case 0: return is_arch(word);
	case 1: return is_size(word, &size);
	case 2: return is_any(word, cell_policies, CELL_POLICIES);
	case 3: return is_any(word, cell_workloads, CELL_WORKLOADS);
	default: return is_any(word, scarce_names, SCARCES);
	}
}

static bool
are_known(const struct matrix_choice *c, struct str *bad)
{
	const char *const all[] = {
		c->archs, c->nodes, c->policies, c->workloads, c->scarce};

	for (int i = 0; i < 5; i++) {
		struct str rest = str_z(all[i] ? all[i] : ""), word;

		while (all[i] && str_split(&rest, ',', &word))
			if (!is_known(word, i)) {
				*bad = word;
				return false;
			}
	}
	return true;
}

static bool
lists_size(const char *list, unsigned size)
{
	char z[16];
	int n = snprintf(z, sizeof(z), "%u", size);

	return lists(list, str_of(z, (size_t)n));
}

/* One architecture and size: its policies, or the one that it has. */
static void
add_policies(struct matrix *m, const struct matrix_choice *c, struct cell cell)
{
	if (cell_varies(cell.arch)) {
		for (size_t p = 0; p < CELL_POLICIES; p++) {
			cell.policy = cell_policies[p];
			if (lists(c->policies, str_z(cell.policy)))
				add(m, &cell);
		}
		return;
	}
	cell.policy = "";
	add(m, &cell);
}

static void
add_archs(struct matrix *m, const struct matrix_choice *c, struct cell cell)
{
	for (size_t a = 0; (cell.arch = arch_at(a)); a++)
		for (size_t s = 0; s < CELL_SIZES; s++) {
			cell.nodes = cell_sizes[s];
			if (lists(c->archs, str_z(cell.arch->name)) &&
				lists_size(c->nodes, cell_sizes[s]))
				add_policies(m, c, cell);
		}
}

bool
matrix_choose(struct matrix *m, const struct matrix_choice *c, struct str *bad)
{
	if (!are_known(c, bad))
		return false;
	for (size_t w = 0; w < CELL_WORKLOADS; w++)
		for (enum scarce s = 0; s < SCARCES; s++) {
			struct cell cell = {.workload = cell_workloads[w],
				.scarce = s,
				.rate = c->rate};

			if (lists(c->workloads, str_z(cell.workload)) &&
				lists(c->scarce, str_z(scarce_names[s])))
				add_archs(m, c, cell);
		}
	return true;
}

/* --- a part of it --- */

/* Rows of cells, each for some sizes: bit i is cell_sizes[i]. */
static const struct {
	const char *arch, *policy, *workload;
	enum scarce scarce;
	unsigned sizes;
} quick[] = {
	{"sevenfold", "", "surge-100", SCARCE_LINK, 0x1f},
	{"layer4", "", "surge-100", SCARCE_LINK, 0x11},
	{"conventional", "md5", "surge-100", SCARCE_LINK, 0x1f},
	{"distributed", "rr", "surge-100", SCARCE_LINK, 0x1f},
	{"distributed", "ht_rr", "surge-100", SCARCE_LINK, 0x10},
	{"distributed", "md5", "surge-100", SCARCE_LINK, 0x1f},
	{"conventional", "md5", "surge-100", SCARCE_TIME, 0x03},
	{"distributed", "rr", "surge-100", SCARCE_TIME, 0x03},
	{"sevenfold", "", "surge-100", SCARCE_TIME, 0x03},
	{"sevenfold", "", "berkeley-1998", SCARCE_LINK, 0x11},
	{"layer4", "", "berkeley-1998", SCARCE_LINK, 0x01},
	{"sevenfold", "", "unc-2001", SCARCE_LINK, 0x11},
	{"layer4", "", "unc-2001", SCARCE_LINK, 0x01},
	{"haproxy", "", "surge-100", SCARCE_LINK, 0x10},
	{"varnish", "", "surge-100", SCARCE_LINK, 0x10},
};

void
matrix_quick(struct matrix *m)
{
	for (size_t i = 0; i < sizeof(quick) / sizeof(*quick); i++)
		for (size_t s = 0; s < CELL_SIZES; s++) {
			struct cell c = {.arch = arch_find(quick[i].arch),
				.nodes = cell_sizes[s],
				.policy = quick[i].policy,
				.workload = quick[i].workload,
				.scarce = quick[i].scarce};

			if (c.arch && (quick[i].sizes >> s & 1))
				add(m, &c);
		}
}
