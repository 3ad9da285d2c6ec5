/* See claim.h. */
#include "paper/claim.h"

#include "lab/arch.h"
#include "paper/published.h"

#include <math.h>

/* Where in the matrix; of several policies, the best. */
struct place_in_it {
	const char *arch;
	const char *policies; /* with commas between; "": it has none */
	unsigned nodes;
	enum scarce scarce;
};

#define HASHES "md5,mit_ch,carp,mod_ch"
#define ALL "rr,ht_rr," HASHES

enum what { SPEED, COPIES };

/* a's figure, or by b's if there is one; bounds where 0 is none. Speeds are
 * Mbit/s by the link's rate, as links may be slower with more nodes. */
static const struct row {
	const char *what;
	enum what figure;
	struct place_in_it a, b;
	double at_least, at_most;
} rows[] = {
	{"conventional is flat: N=16 by N=4", SPEED,
		{"conventional", ALL, 16, SCARCE_LINK},
		{"conventional", ALL, 4, SCARCE_LINK}, .8, 1.25},
	{"conventional is flat: N=4 by N=2", SPEED,
		{"conventional", ALL, 4, SCARCE_LINK},
		{"conventional", ALL, 2, SCARCE_LINK}, .8, 1.25},
	{"distributed grows, round robin: N=16 by N=1", SPEED,
		{"distributed", "rr", 16, SCARCE_LINK},
		{"distributed", "rr", 1, SCARCE_LINK}, 4, 0},
	{"distributed grows, a hash: N=16 by N=1", SPEED,
		{"distributed", HASHES, 16, SCARCE_LINK},
		{"distributed", HASHES, 1, SCARCE_LINK}, 2, 0},
	{"distributed by conventional, N=16", SPEED,
		{"distributed", "rr", 16, SCARCE_LINK},
		{"conventional", ALL, 16, SCARCE_LINK}, 2, 0},
	{"HT_RR is below RR: by it, N=16", SPEED,
		{"distributed", "ht_rr", 16, SCARCE_LINK},
		{"distributed", "rr", 16, SCARCE_LINK}, 0, .98},
	{"hashes are below HT_RR: the best by it, N=16", SPEED,
		{"distributed", HASHES, 16, SCARCE_LINK},
		{"distributed", "ht_rr", 16, SCARCE_LINK}, 0, .98},
	{"distributed loses at N=1: by conventional, slow nodes", SPEED,
		{"distributed", "rr", 1, SCARCE_TIME},
		{"conventional", ALL, 1, SCARCE_TIME}, 0, .95},
	{"distributed loses at N=2: by conventional, slow nodes", SPEED,
		{"distributed", "rr", 2, SCARCE_TIME},
		{"conventional", ALL, 2, SCARCE_TIME}, 0, .95},
	{"Sevenfold, N=16, by one node of layer 4 alone", SPEED,
		{"sevenfold", "", 16, SCARCE_LINK},
		{"layer4", "", 1, SCARCE_LINK}, .95 * 16, 0},
	{"Sevenfold, N=16: copies of each object", COPIES,
		{"sevenfold", "", 16, SCARCE_LINK}, {0}, 0, 1.35},
	{"Sevenfold by conventional, N=1", SPEED,
		{"sevenfold", "", 1, SCARCE_LINK},
		{"conventional", ALL, 1, SCARCE_LINK}, .98, 0},
	{"Sevenfold by conventional, N=2", SPEED,
		{"sevenfold", "", 2, SCARCE_LINK},
		{"conventional", ALL, 2, SCARCE_LINK}, .98, 0},
};

size_t
claim_count(void)
{
	return sizeof(rows) / sizeof(*rows);
}

static double
figure_of(const struct result *r, enum what what)
{
	return what == COPIES ? r->f.copies : r->f.mbit_per_s / r->f.link_mbit;
}

/* The name, terminated, of one of the policies. */
static const char *
policy_of(struct str word)
{
	for (size_t i = 0; i < CELL_POLICIES; i++)
		if (str_eq(word, str_z(cell_policies[i])))
			return cell_policies[i];
	return "";
}

static const struct result *
best(const struct results *rs, const struct place_in_it *p,
	const char *workload, enum what what)
{
	struct str rest = str_z(p->policies), word;
	const struct result *found = NULL;

	while (str_split(&rest, ',', &word)) {
		const struct cell c = {.arch = arch_find(p->arch),
			.nodes = p->nodes,
			.policy = policy_of(word),
			.workload = workload,
			.scarce = p->scarce};
		const struct result *r =
			c.arch ? results_find(rs, &c, NULL, NULL) : NULL;

		if (r &&
			(!found || figure_of(r, what) > figure_of(found, what)))
			found = r;
	}
	return found;
}

/* The paper's links and nodes are what they are, whatever is scarce. */
static double
best_published(const struct place_in_it *p, const char *workload)
{
	struct str rest = str_z(p->policies), word;
	double found = NAN;

	while (str_split(&rest, ',', &word))
		found = fmax(found,
			published(workload, p->arch, policy_of(word), p->nodes,
				PUBLISHED_MBIT_PER_S));
	return found;
}

static enum verdict
judge(const struct row *row, double v)
{
	if (isnan(v))
		return VERDICT_UNKNOWN;
	if (v < row->at_least || (row->at_most > 0 && v > row->at_most))
		return VERDICT_FAILS;
	return VERDICT_HOLDS;
}

struct claim
claim_judge(const struct results *rs, size_t i, const char *workload)
{
	const struct row *row = &rows[i];
	const struct result *a = best(rs, &row->a, workload, row->figure);
	const struct result *b =
		row->b.arch ? best(rs, &row->b, workload, row->figure) : NULL;
	bool known = a && (b || !row->b.arch);
	double divisor = b ? figure_of(b, row->figure) : 1;
	double ours = known ? figure_of(a, row->figure) / divisor : NAN;

	return (struct claim){
		.what = row->what,
		.workload = workload,
		.at_least = row->at_least,
		.at_most = row->at_most,
		.paper = row->b.arch ? best_published(&row->a, workload) /
				best_published(&row->b, workload)
				     : NAN,
		.ours = ours,
		.verdict = judge(row, ours),
		.doubtful = (a && limit_is_doubtful(a->limit)) ||
			(b && limit_is_doubtful(b->limit)),
		.behind = a,
	};
}

/* The node that sent least. */
static const struct host_figures *
idlest(const struct result *r)
{
	const struct host_figures *least = NULL;

	/* The client and the balancer come first. */
	for (size_t i = 2; i < r->nhosts; i++)
		if (!least || r->hosts[i].from_mbit < least->from_mbit)
			least = &r->hosts[i];
	return least;
}

/* Where nodes answer clients themselves: what their links were used for, in
 * links. */
static void
put_links(const struct result *r, struct buf *out)
{
	double sent = r->cell.nodes * r->f.nodes_sent;
	double received = sent / r->f.crossing;
	const struct host_figures *least = idlest(r);

	if (!r->cell.arch->handoff || !(received >= 0))
		return;
	buf_printf(out,
		". Of %u links of nodes, %.2f carried what clients received, "
		"%.2f what nodes tell and pass on to each other and to the "
		"balancer, %.2f nothing",
		r->cell.nodes, received, sent - received, r->cell.nodes - sent);
	if (least)
		buf_printf(out, " (the least used is %s's, %.0f %%)",
			least->name, 100 * least->from_mbit / r->f.link_mbit);
}

void
claim_story(const struct result *r, struct buf *out)
{
	const struct figures *f = &r->f;

	buf_printf(out, "limited by %s; busiest link %s %.0f %%, ",
		limit_text(r->limit), r->busiest, 100 * f->busiest);
	buf_printf(out, "nodes' links %.0f %% sent on (busiest by mean %.2f), ",
		100 * f->nodes_sent, f->sent_balance);
	buf_printf(out, "%.2f B sent by nodes for each received, hits %.0f %%",
		f->crossing, 100 * f->hits);
	if (f->relayed > 0)
		buf_printf(out, ", %.0f %% of answers passed on",
			100 * f->relayed);
	if (r->cell.nodes > 1)
		buf_printf(out, ", %.2f copies", f->copies);
	if (f->wrong > 0)
		buf_printf(out, ", failed: %s", r->wrong);
	if (limit_is_doubtful(r->limit))
		buf_printf(out,
			"; machine: idle %.0f %%, steal %.0f %%, sleeps "
			"late by %.1f ms",
			100 * f->idle, 100 * f->steal, f->late_p99_ms);
	put_links(r, out);
}
