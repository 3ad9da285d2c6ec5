/* See mix.h. */
#include "bench/mix.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bench/dist.h"
#include "bench/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILES = 100, WEIGHT_MAX = 1000 * 1000 };
#define ALPHA 0.8

/* Ranks get sizes in steps of the golden section of 100: neighbours differ
 * much, and every part of the ranks has all sizes. The first gets the median.
 */
enum { STEP = 61, FIRST = 50 };

static const struct synthetic {
	const char *name;
	double mean;  /* bytes, of heads and bodies, by weight */
	double sigma; /* of the logarithm of sizes */
} synthetics[] = {
	{"surge-100", 23428, 1.2},
	{"unc-2001", 10546, 1.8},
	{"berkeley-1998", 13969, 1.6},
};
#define NSYNTHETICS (sizeof(synthetics) / sizeof(*synthetics))

static const char webstone[] = "/file500.html 350 #500\n"
			       "/file5k.html 500 #5125\n"
			       "/file50k.html 140 #51250\n"
			       "/file500k.html 9 #512500\n"
			       "/file5m.html 1 #5248000\n";

const char *
mix_names(void)
{
	return "surge-100, unc-2001, berkeley-1998, webstone";
}

void
mix_fini(struct mix *m)
{
	catalog_fini(&m->catalog);
	pick_fini(&m->pick);
	free(m->weights);
	*m = (struct mix){0};
}

/* A file that is listed twice has both weights. */
static void
add(struct mix *m, struct str target, double weight, uint64_t bytes)
{
	size_t had = m->catalog.nobjects;
	uint32_t i = catalog_add(&m->catalog, target, bytes);

	if (m->catalog.nobjects > had) {
		m->weights = xrealloc(
			m->weights, m->catalog.nobjects * sizeof(*m->weights));
		m->weights[i] = 0;
	}
	m->weights[i] += weight;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str
next_word(struct str *line)
{
	size_t from = 0, to;

	while (from < line->n && is_space(line->p[from]))
		from++;
	to = from;
	while (to < line->n && !is_space(line->p[to]))
		to++;
	struct str word = str_of(line->p + from, to - from);
	*line = str_of(line->p + to, line->n - to);
	return word;
}

/* What is wrong with the line, or NULL. */
static const char *
add_line(struct mix *m, struct str line)
{
	struct str name = next_word(&line), word = next_word(&line);
	uint64_t weight = 1, bytes = CATALOG_ANY_BYTES;
	struct buf target = {0};

	if (name.n == 0 || name.p[0] == '#')
		return NULL;
	if (word.n > 0 && word.p[0] != '#') {
		if (str_u64(word, WEIGHT_MAX, &weight) < 0)
			return "the weight is not 0 to 1000000";
		word = next_word(&line);
	}
	if (word.n > 1 && word.p[0] == '#')
		(void)str_u64(
			str_of(word.p + 1, word.n - 1), INT64_MAX, &bytes);
	else if (word.n > 0 && word.p[0] != '#')
		return "more than a target and a weight";
	if (!target_sendable(name, &target))
		return "not a target: /path or http://host/path";
	add(m, buf_view(&target), (double)weight, bytes);
	buf_fini(&target);
	return NULL;
}

static bool
begin(struct mix *m, uint64_t seed)
{
	double sum = 0;

	for (size_t i = 0; i < m->catalog.nobjects; i++)
		sum += m->weights[i];
	if (sum > 0)
		pick_init(&m->pick, m->weights, m->catalog.nobjects, seed);
	return sum > 0;
}

bool
mix_parse(struct mix *m, struct str list, uint64_t seed,
	struct mix_mistake *mistake)
{
	struct mix_mistake found = {0};
	struct str line;

	while (str_split(&list, '\n', &line)) {
		found.line++;
		found.what = add_line(m, line);
		if (found.what) {
			*mistake = found;
			return false;
		}
	}
	if (begin(m, seed))
		return true;
	*mistake = (struct mix_mistake){0, "no file has a weight"};
	return false;
}

/* The size of each rank's file, before it is scaled to the mean. */
static double
size_of(const struct synthetic *s, size_t rank)
{
	const struct lognormal sizes = {0, s->sigma};
	size_t percentile = (FIRST + STEP * rank) % FILES;

	return lognormal_quantile(&sizes, ((double)percentile + 0.5) / FILES);
}

static double
weight_of(size_t rank)
{
	return pow((double)(rank + 1), -ALPHA);
}

static void
add_synthetic(struct mix *m, const struct synthetic *s)
{
	double weights = 0, bytes = 0;
	char target[64];

	for (size_t r = 0; r < FILES; r++) {
		weights += weight_of(r);
		bytes += weight_of(r) * size_of(s, r);
	}
	double scale = (s->mean - MIX_HEAD_BYTES) * weights / bytes;
	for (size_t r = 0; r < FILES; r++) {
		int n = snprintf(
			target, sizeof(target), "/%s/%03zu", s->name, r + 1);

		add(m, str_of(target, (size_t)n), weight_of(r),
			(uint64_t)llround(scale * size_of(s, r)));
	}
}

bool
mix_named(struct mix *m, struct str name, uint64_t seed)
{
	struct mix_mistake mistake;

	if (str_eq(name, STR("webstone")))
		return mix_parse(m, str_z(webstone), seed, &mistake);
	for (size_t i = 0; i < NSYNTHETICS; i++)
		if (str_eq(name, str_z(synthetics[i].name))) {
			add_synthetic(m, &synthetics[i]);
			return begin(m, seed);
		}
	return false;
}

double
mix_mean_bytes(const struct mix *m)
{
	double weights = 0, bytes = 0;

	for (size_t i = 0; i < m->catalog.nobjects; i++) {
		const struct object *o = &m->catalog.objects[i];

		if (o->bytes == CATALOG_ANY_BYTES)
			continue;
		weights += m->weights[i];
		bytes += m->weights[i] * (double)o->bytes;
	}
	return weights > 0 ? bytes / weights : 0;
}

bool
mix_order(void *ctx, unsigned client, struct play_step *out)
{
	struct mix *m = ctx;

	out->request.method = METHOD_GET;
	out->request.object = (uint32_t)pick_next(&m->pick);
	return true;
}
