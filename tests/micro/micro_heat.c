/*
 * What a look at what is hot costs (proxy/heat.c has one four times a second,
 * on the first worker's loop): from what all nodes tell to who answers what.
 * Microseconds of CPU, the median and the most of many, by numbers of nodes and
 * objects. Not a test: read the figures, before and after a change.
 *
 *	nice build/tests/micro/micro_heat
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "placement/demand.h"

enum {
	REPEATS = 101,
	WARM = 20,
	TOLD = 64,
	ASKED = 8,
	POPULAR = 4096,
	OBJECTS_MOST = 100000
};

/* As in proxy/tally.c and proxy/heat.c. */
#define SHARE_TOLD 0.004
#define BUDGET (0.35 * 0.8)
#define RATE 10000.0

static struct place_key keys[OBJECTS_MOST];
static uint8_t owners[OBJECTS_MOST][VIEW_MAX_NODES];
static double rates[OBJECTS_MOST];

static struct {
	struct demand_key keys[TOLD];
	size_t n;
	struct demand_rate all;
} told[VIEW_MAX_NODES];

static double unpopular[VIEW_MAX_NODES]; /* of each node, together */

static struct place *
make_place(size_t nodes)
{
	struct place_params params = {0};
	struct view v = {0};

	for (size_t i = 0; i < nodes; i++) {
		struct view_node n = {.weight = 1, .member = (uint8_t)i};

		snprintf(n.name, sizeof(n.name), "n%zu", i);
		view_add(&v, &n);
	}
	return place_new(&policy_hrw, &v, &params, NULL, NULL);
}

static void
make_objects(const struct place *p, size_t objects, double alpha)
{
	double sum = 0;

	memset(unpopular, 0, sizeof(unpopular));
	for (size_t k = 0; k < objects; k++)
		sum += pow((double)k + 1, -alpha);
	for (size_t k = 0; k < objects; k++) {
		struct ranking r;
		char url[64];

		snprintf(url, sizeof(url), "http://a.test/%zu", k);
		place_rank(p, str_z(url), VIEW_MAX_NODES, &r);
		for (size_t i = 0; i < r.n; i++)
			owners[k][i] = p->view.nodes[r.node[i]].member;
		keys[k].hash = keys[k].digest = place_hash(str_z(url));
		rates[k] = RATE * pow((double)k + 1, -alpha) / sum;
		if (k >= POPULAR)
			unpopular[owners[k][0]] += rates[k];
	}
}

static unsigned
nodes_of(const struct hotset *hot, uint64_t hash)
{
	const struct hot *h = hotset_find(hot, hash);

	return h ? h->r : 1;
}

/* Each of those who hold a key answers as much of it as the others. */
static void
tell(size_t objects, const struct hotset *hot)
{
	static unsigned r[POPULAR];

	for (size_t m = 0; m < VIEW_MAX_NODES; m++) {
		told[m].n = 0;
		told[m].all = (struct demand_rate){.rate = unpopular[m]};
	}
	for (size_t k = 0; k < objects && k < POPULAR; k++) {
		r[k] = nodes_of(hot, keys[k].hash);
		for (unsigned i = 0; i < r[k]; i++)
			told[owners[k][i]].all.rate += rates[k] / r[k];
	}
	for (size_t k = 0; k < objects && k < POPULAR; k++) {
		double rate = rates[k] / r[k];

		for (unsigned i = 0; i < r[k]; i++) {
			uint8_t m = owners[k][i];

			if (told[m].n == TOLD ||
				rate < SHARE_TOLD * told[m].all.rate)
				continue;
			told[m].keys[told[m].n++] =
				(struct demand_key){.key = keys[k],
					.rate = {rate, rate, rate},
					.r = i || r[k] == 1 ? 0 : r[k]};
		}
	}
	for (size_t m = 0; m < VIEW_MAX_NODES; m++)
		told[m].all.recent = told[m].all.work = told[m].all.rate;
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct hotset *
look(struct place *p, const struct hotset *before, double extra, size_t *spread)
{
	struct spread_row *rows = xcalloc(DEMAND_ROWS, sizeof(*rows));
	struct demand_members m = {.places = &p,
		.nplaces = 1,
		.up = p->view.nnodes == 64
			? UINT64_MAX
			: (UINT64_C(1) << p->view.nnodes) - 1};
	struct demand_key asked[ASKED];
	struct hotset *now;
	struct demand d;
	struct spread s;

	for (size_t i = 0; i < ASKED; i++)
		asked[i] = (struct demand_key){
			.key = keys[i], .rate.rate = rates[i] / 10};
	demand_init(&d);
	for (size_t i = 0; i < p->view.nnodes; i++)
		demand_add(&d, i, &told[i].all, told[i].keys, told[i].n);
	demand_sum(&d);
	demand_heed(&d, asked, ASKED, RATE / 10);
	demand_spread(&d, &m, before, rows, &s);
	/* All are ours to decide on: so it comes to what all nodes do. */
	for (size_t i = 0; i < s.n; i++)
		rows[i].told = 0;
	now = hotset_next(before, &s, extra);
	*spread = s.n;
	demand_fini(&d);
	free(rows);
	return now;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(size_t nodes, size_t objects, double alpha)
{
	struct place *p = make_place(nodes);
	struct hotset *hot = NULL;
	double took[REPEATS];
	size_t spread = 0;

	make_objects(p, objects, alpha);
	for (int i = -WARM; i < REPEATS; i++) {
		struct hotset *before = hot;
		double start;

		tell(objects, before);
		start = now_us();
		hot = look(p, before, BUDGET * (double)objects, &spread);
		if (i >= 0)
			took[i] = now_us() - start;
		free(before);
	}
	qsort(took, REPEATS, sizeof(*took), compare);
	printf("%5zu %8zu %5.1f %7zu %5zu %8.0f %8.0f\n", nodes, objects, alpha,
		spread, hot->n, took[REPEATS / 2], took[REPEATS - 1]);
	free(hot);
	place_free(p);
}

int
main(void)
{
	static const size_t nodes[] = {2, 16, 64},
			    objects[] = {100, 1000, 100000};

	printf("%5s %8s %5s %7s %5s %8s %8s\n", "nodes", "objects", "zipf",
		"spread", "hot", "us", "most");
	for (int n = 0; n < 3; n++)
		for (int o = 0; o < 3; o++)
			for (int a = 0; a < 2; a++)
				measure(nodes[n], objects[o], a ? 1 : .7);
	return 0;
}
