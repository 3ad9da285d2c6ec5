#include "placement/spread.h"

#include <math.h>

/* Of the budget, for the hottest keys wherever they are: with many nodes that
 * hold them, less depends on how exactly parts are known. */
#define FOR_HOTTEST 0.25
/* Copies that are there already are preferred, so that they stay. */
#define PREFERRED 1.5
/* Level enough, by the mean. */
#define LEVEL 1.005
/* What a copy has to bring at least. */
#define GAIN_LEAST 0.001

enum {
	SWEEPS = 8,	 /* of pouring */
	SWEEPS_STEP = 3, /* ... after one key got another node */
	STEPS = 48,	 /* at a time: there is a next time soon */
	LOOK_AHEAD = 2,	 /* nodes that a key may get at once */
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

/* What it would take off the highest, per copy, if the key had `more` nodes
 * more. */
static double
gain_of(const struct spread *s, size_t k, unsigned more, double top)
{
	const struct spread_row *row = &s->rows[k];
	unsigned r = s->keys[k].r + more;
	uint8_t next = row->owner[r - 1];
	double on = 0, gain;

	for (unsigned i = 0; i < s->keys[k].r; i++)
		if (s->load[row->owner[i]] > 0.999 * top)
			on += (double)row->part[i];
	gain = fmin((top - s->load[next]) * s->weight[next], on) / more;
	return r <= row->was ? gain * PREFERRED : gain;
}

/* One key gets more nodes. How many; 0: none would help. */
static unsigned
step(struct spread *s)
{
	double top = highest(s), best = GAIN_LEAST * mean(s);
	unsigned most = 0;
	size_t which = 0;

	for (size_t k = 0; k < s->n; k++)
		for (unsigned more = 1; more <= LOOK_AHEAD; more++) {
			double gain;

			if (s->keys[k].r + more > s->rows[k].nowners)
				break;
			gain = gain_of(s, k, more, top);
			if (gain <= best)
				continue;
			best = gain;
			which = k;
			most = more;
		}
	if (most) {
		s->keys[which].r += most;
		sweep(s, SWEEPS_STEP);
	}
	return most;
}

void
spread_widen(struct spread *s, double extra)
{
	double used = 0;

	(void)widen(s->keys, s->n, s->nodes, extra * FOR_HOTTEST);
	spread_level(s);
	for (size_t k = 0; k < s->n; k++)
		used += s->keys[k].r ? s->keys[k].r - 1 : 0;
	for (int i = 0; i < STEPS && used + LOOK_AHEAD <= extra; i++) {
		unsigned more = spread_peak(s) > LEVEL ? step(s) : 0;

		if (!more)
			break;
		used += more;
	}
	sweep(s, SWEEPS);
}
