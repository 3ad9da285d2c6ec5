#include "placement/spread.h"

#include <math.h>

/* Of the budget, for the hottest keys wherever they are: with many nodes that
 * hold them, less depends on how exactly parts are known. */
#define FOR_HOTTEST 0.25
/* A key keeps as many nodes as it might get with so much more of all work. */
#define KEPT 1.5
/* Copies that are there already are preferred, so that they stay. */
#define PREFERRED 1.5
/* Level, by the mean; and so level that what is there can stay. */
#define LEVEL 1.005
#define LEVEL_ENOUGH 1.02
/* What a copy has to bring at least. */
#define GAIN_LEAST 0.001
/* ... and giving copies out anew. */
#define EXCHANGE_LEAST 0.005
/* ... and all of them, whatever is there. */
#define ANEW_LEAST 0.03
/* As much as the highest, but for what sweeping leaves. */
#define NEARLY 0.999

enum {
	SWEEPS = 8,	 /* of pouring */
	SWEEPS_STEP = 3, /* ... after one key got another node */
	EXCHANGES = 16,	 /* to try, of each kind; there is a next time soon */
};

/* --- pouring -------------------------------------------------------------- */

/* The key's nodes by load, the lowest first: places in its ranking. Beginning
 * with how they were, which is nearly that. */
static void
sort_owners(const struct spread *s, struct spread_row *row, unsigned r)
{
	uint8_t *order = row->order;

	for (; row->ordered < r; row->ordered++)
		order[row->ordered] = row->ordered;
	for (unsigned i = 1; i < r; i++) {
		uint8_t which = order[i];
		double load = s->load[row->owner[which]];
		unsigned at = i;

		for (; at && s->load[row->owner[order[at - 1]]] > load; at--)
			order[at] = order[at - 1];
		order[at] = which;
	}
}

/* Takes the key out, and pours it in again where it is lowest. */
static void
pour(struct spread *s, size_t k)
{
	struct spread_row *row = &s->rows[k];
	unsigned r = s->keys[k].r, n = 0;
	const uint8_t *order = row->order;
	double left = s->keys[k].share, level = 0, wide = 0;

	for (unsigned i = 0; i < r; i++) {
		uint8_t m = row->owner[i];

		s->load[m] -= (double)row->part[i] / s->weight[m];
		row->part[i] = 0;
	}
	sort_owners(s, row, r);
	for (; n < r; n++) {
		uint8_t m = row->owner[order[n]];
		double need = (s->load[m] - level) * wide;

		if (n && need >= left)
			break;
		left -= n ? need : 0;
		level = s->load[m];
		wide += s->weight[m];
	}
	level += left / wide;
	for (unsigned i = 0; i < n; i++) {
		uint8_t m = row->owner[order[i]];

		row->part[order[i]] =
			(float)((level - s->load[m]) * s->weight[m]);
		s->load[m] = level;
	}
}

static double
highest(const struct spread *s)
{
	double most = 0;

	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		most = fmax(most, s->load[m]);
	return most;
}

static double
mean(const struct spread *s)
{
	double load = 0, weight = 0;

	for (size_t m = 0; m < VIEW_MAX_NODES; m++) {
		load += s->load[m] * s->weight[m];
		weight += s->weight[m];
	}
	return weight > 0 ? load / weight : 0;
}

double
spread_peak(const struct spread *s)
{
	double m = mean(s);

	return m > 0 ? highest(s) / m : 1;
}

/* Until it is level. */
static void
sweep(struct spread *s, int times)
{
	while (times-- && spread_peak(s) > LEVEL)
		for (size_t k = 0; k < s->n; k++)
			if (s->keys[k].r > 1)
				pour(s, k);
}

/* All of each key is its owner's. */
static void
begin(struct spread *s)
{
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		s->load[m] = s->weight[m] > 0 ? s->base[m] / s->weight[m] : 0;
	for (size_t k = 0; k < s->n; k++) {
		struct spread_row *row = &s->rows[k];
		uint8_t m = row->owner[0];

		memset(row->part, 0, sizeof(row->part));
		row->ordered = 0;
		if (s->keys[k].r > row->nowners)
			s->keys[k].r = (unsigned)row->nowners;
		if (!row->nowners)
			continue;
		row->part[0] = (float)s->keys[k].share;
		s->load[m] += s->keys[k].share / s->weight[m];
	}
}

void
spread_level(struct spread *s)
{
	begin(s);
	sweep(s, SWEEPS);
}

/* --- widening ------------------------------------------------------------- */

static unsigned
copies(const struct spread *s)
{
	unsigned n = 0;

	for (size_t k = 0; k < s->n; k++)
		n += s->keys[k].r ? s->keys[k].r - 1 : 0;
	return n;
}

/* One key's r, so many more or fewer than it has. */
struct change {
	size_t key;
	unsigned by; /* 0: none is worth it */
	double each; /* what it brings, or costs, by copy */
};

/* Of the key's parts, what lies with those who have the most. */
static double
part_on_top(const struct spread *s, size_t k, double top)
{
	const struct spread_row *row = &s->rows[k];
	double on = 0;

	for (unsigned i = 0; i < s->keys[k].r; i++)
		if (s->load[row->owner[i]] > NEARLY * top)
			on += (double)row->part[i];
	return on;
}

/* As many nodes as the key can make use of, if it is so much hotter: the least
 * that each of them is to have of it is what widen.h has. */
static unsigned
most_for(const struct spread *s, size_t k, double hotter)
{
	double r =
		ceil(hotter * s->keys[k].share * s->nodes / WIDEN_THETA_LEAST);

	return (unsigned)fmax(1, fmin(r, (double)s->rows[k].nowners));
}

/* Which one gets how many nodes more, so that most comes off the highest by
 * copy? */
static struct change
best_widening(const struct spread *s, unsigned room)
{
	double top = highest(s);
	struct change best = {.each = GAIN_LEAST * mean(s)};

	for (size_t k = 0; k < s->n; k++) {
		const struct spread_row *row = &s->rows[k];
		unsigned r = s->keys[k].r;
		unsigned most = most_for(s, k, 1);
		double on = part_on_top(s, k, top), spare = 0;

		for (unsigned by = 1; by <= room && r + by <= most; by++) {
			uint8_t m = row->owner[r + by - 1];
			double gain;

			spare += (top - s->load[m]) * s->weight[m];
			gain = fmin(spare, on) / by;
			if (r + by <= row->was)
				gain *= PREFERRED;
			if (gain > best.each)
				best = (struct change){k, by, gain};
			if (spare >= on)
				break;
		}
	}
	return best;
}

/* Gives out what is left of the budget, as far as it helps. */
static void
spend(struct spread *s, double extra)
{
	unsigned used = copies(s);

	while (used + 1 <= extra && spread_peak(s) > LEVEL) {
		struct change c = best_widening(s, (unsigned)(extra - used));

		if (!c.by)
			return;
		s->keys[c.key].r += c.by;
		used += c.by;
		sweep(s, SWEEPS_STEP);
	}
}

/* --- and narrowing -------------------------------------------------------- */

static void
narrow(struct spread *s, size_t k, unsigned by)
{
	struct spread_row *row = &s->rows[k];
	unsigned r = s->keys[k].r - by;

	for (unsigned i = r; i < s->keys[k].r; i++) {
		uint8_t m = row->owner[i];

		s->load[m] -= (double)row->part[i] / s->weight[m];
		row->part[i] = 0;
	}
	s->keys[k].r = r;
	row->ordered = 0;
	pour(s, k);
}

/* Whose last copies are of the least use, of those not tried yet? */
static struct change
best_narrowing(const struct spread *s)
{
	struct change best = {.each = 1};

	for (size_t k = 0; k < s->n; k++) {
		const struct spread_row *row = &s->rows[k];
		double cost = 0;

		for (unsigned by = 1; !row->tried && by < s->keys[k].r; by++) {
			cost += (double)row->part[s->keys[k].r - by];
			if (cost / by < best.each)
				best = (struct change){k, by, cost / by};
		}
	}
	return best;
}

/* Takes that back, and gives out anew. Unless that is for the better, all is as
 * it was. */
static bool
try_without(struct spread *s, size_t key, unsigned by, double extra)
{
	double peak = spread_peak(s);

	for (size_t k = 0; k < s->n; k++)
		s->rows[k].before = s->keys[k].r;
	narrow(s, key, by);
	spend(s, extra);
	if (spread_peak(s) < peak - EXCHANGE_LEAST)
		return true;
	for (size_t k = 0; k < s->n; k++)
		s->keys[k].r = s->rows[k].before;
	spread_level(s);
	return false;
}

/* What was given out first was so for what was known then: is there a better
 * use for it now? */
static void
exchange(struct spread *s, double extra)
{
	int left = EXCHANGES; /* of keys that lose all of their copies */

	for (size_t k = 0; k < s->n; k++)
		s->rows[k].tried = false;
	for (int i = 0; i < EXCHANGES && spread_peak(s) > LEVEL; i++) {
		struct change c = best_narrowing(s);

		if (!c.by)
			break;
		s->rows[c.key].tried = !try_without(s, c.key, c.by, extra);
	}
	for (size_t k = 0; k < s->n && left && spread_peak(s) > LEVEL; k++)
		if (s->keys[k].r > 1) {
			(void)try_without(s, k, s->keys[k].r - 1, extra);
			left--;
		}
}

/* So many for the hottest; and those that there are, but for keys that are
 * hardly asked for any more. */
static void
begin_with(struct spread *s, double extra, bool as_it_is)
{
	(void)widen(s->keys, s->n, s->nodes, extra * FOR_HOTTEST);
	for (size_t k = 0; as_it_is && k < s->n; k++) {
		const struct spread_row *row = &s->rows[k];
		unsigned was = row->told ? row->told : row->was;
		unsigned most = most_for(s, k, KEPT);

		was = was < most ? was : most;
		if (s->keys[k].r < was)
			s->keys[k].r = was;
	}
	spread_level(s);
}

static void
narrow_to(struct spread *s, double extra)
{
	for (size_t k = 0; k < s->n; k++)
		s->rows[k].tried = false;
	while (copies(s) > extra) {
		struct change c = best_narrowing(s);

		if (!c.by)
			return;
		narrow(s, c.key, c.by);
	}
	sweep(s, SWEEPS);
}

static double
widen_from(struct spread *s, double extra, bool as_it_is)
{
	begin_with(s, extra, as_it_is);
	narrow_to(s, extra);
	if (spread_peak(s) > LEVEL_ENOUGH) {
		spend(s, extra);
		exchange(s, extra);
	}
	return spread_peak(s);
}

void
spread_widen(struct spread *s, double extra)
{
	double kept = widen_from(s, extra, true);

	if (kept <= LEVEL_ENOUGH)
		return;
	for (size_t k = 0; k < s->n; k++)
		s->rows[k].kept = s->keys[k].r;
	if (widen_from(s, extra, false) < kept - ANEW_LEAST)
		return;
	for (size_t k = 0; k < s->n; k++)
		s->keys[k].r = s->rows[k].kept;
	spread_level(s);
}
