/*
 * The loop as a whole, without a network: 16 nodes that get requests from a
 * crowd, count, tell each other a tick later, decide, and choose who answers.
 * What comes of it, in the long run and after something new has become hot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "placement/demand.h"
#include "placement/topk.h"

enum {
	NODES = 16,
	OBJECTS = 100,
	FLASH = OBJECTS, /* the one that is new */
	PER_TICK = 400,	 /* requests: 1,600 a second */
	TOLD = 64,
};

/* As in proxy/tally.c. */
#define KEEP 0.9600f
#define KEEP_ASKED 0.6065f
#define BUDGET (0.35 * 0.8 * OBJECTS) /* as in proxy/heat.c */

struct report {
	struct demand_key keys[TOLD];
	size_t n;
	double rate;
};

struct node {
	struct topk answered, asked;
	struct report heard; /* by the others, a tick late */
	struct report own;
	struct hotset *hot;
};

static struct node nodes[NODES];
static struct place *place;
static uint64_t hashes[OBJECTS + 1];
static struct ranking rankings[OBJECTS + 1];
static double upto[OBJECTS];
static uint64_t random_state;
static bool flash;

static double
draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) * 0x1p-53;
}

static void
set_up(double alpha, unsigned site)
{
	static struct view v;
	struct place_params params = {0};
	double sum = 0;

	v = (struct view){0};
	for (unsigned i = 0; i < NODES; i++) {
		struct view_node n = {.weight = 1, .member = (uint8_t)i};

		snprintf(n.name, sizeof(n.name), "n%u", i);
		view_add(&v, &n);
		nodes[i] = (struct node){0};
	}
	place = place_new(&policy_hrw, &v, &params, NULL, NULL);
	for (size_t k = 0; k <= OBJECTS; k++) {
		char url[64];

		snprintf(url, sizeof(url), "http://s%u.test/%zu", site, k);
		hashes[k] = place_hash(str_z(url));
		place_rank(place, str_z(url), NODES, &rankings[k]);
		for (size_t i = 0; i < NODES; i++)
			rankings[k].node[i] =
				v.nodes[rankings[k].node[i]].member;
	}
	for (size_t k = 0; k < OBJECTS; k++)
		upto[k] = sum += pow((double)k + 1, -alpha);
	for (size_t k = 0; k < OBJECTS; k++)
		upto[k] /= sum;
	random_state = 88172645463325252u + site;
	flash = false;
}

static void
tear_down(void)
{
	for (size_t i = 0; i < NODES; i++)
		free(nodes[i].hot);
	place_free(place);
}

static size_t
next_object(void)
{
	double u = draw();
	size_t k = 0;

	if (flash && draw() < .5)
		return FLASH;
	while (k < OBJECTS - 1 && upto[k] <= u)
		k++;
	return k;
}

static size_t
answering(size_t ingress, size_t object)
{
	const struct hot *h = hotset_find(nodes[ingress].hot, hashes[object]);

	return rankings[object].node[h ? hot_choose(h, rankings[object].node,
						 h->r, ingress, NODES, draw())
				       : 0];
}

static void
make_report(struct node *n)
{
	struct report r = {.rate = n->answered.total};

	for (size_t i = 0; n->hot && i < n->hot->n && r.n < TOLD; i++)
		if (n->hot->v[i].ours)
			r.keys[r.n++] = (struct demand_key){n->hot->v[i].key,
				(double)topk_find(
					&n->answered, n->hot->v[i].key),
				n->hot->v[i].r};
	for (size_t i = 0; i < n->answered.n && r.n < TOLD; i++) {
		const struct topk_entry *e = &n->answered.v[i];
		const struct hot *h = hotset_find(n->hot, e->key);

		if ((!h || !h->ours) && (double)e->count >= .004 * r.rate)
			r.keys[r.n++] = (struct demand_key){
				e->key, (double)e->count, 0};
	}
	n->heard = n->own;
	n->own = r;
}

static void
decide(size_t self)
{
	struct node *n = &nodes[self];
	struct demand_key asked[TOLD];
	static struct spread_row rows[NODES * TOLD];
	struct hotset *before = n->hot;
	size_t nasked = 0;
	struct demand d;
	struct spread s;

	demand_init(&d);
	for (size_t i = 0; i < NODES; i++) {
		const struct report *r = i == self ? &n->own : &nodes[i].heard;

		demand_add(&d, i, r->rate, r->keys, r->n);
	}
	demand_sum(&d);
	for (size_t i = 0; i < n->asked.n && nasked < TOLD; i++)
		if ((double)n->asked.v[i].count >= .05 * n->asked.total)
			asked[nasked++] = (struct demand_key){n->asked.v[i].key,
				(double)n->asked.v[i].count, 0};
	demand_heed(&d, asked, nasked, n->asked.total);
	demand_spread(&d,
		&(struct demand_members){place, (1u << NODES) - 1, self},
		before, rows, &s);
	n->hot = hotset_next(before, &s, BUDGET);
	free(before);
	demand_fini(&d);
}

/* Adds what each answers in one tick. */
static void
tick(double *answers)
{
	for (size_t i = 0; i < NODES; i++) {
		topk_fade(&nodes[i].answered, KEEP);
		topk_fade(&nodes[i].asked, KEEP_ASKED);
	}
	for (unsigned i = 0; i < PER_TICK; i++) {
		size_t ingress = (size_t)(draw() * NODES);
		size_t k = next_object(), owner = answering(ingress, k);

		topk_count(&nodes[ingress].asked, hashes[k]);
		topk_count(&nodes[owner].answered, hashes[k]);
		answers[owner]++;
	}
	for (size_t i = 0; i < NODES; i++)
		make_report(&nodes[i]);
	for (size_t i = 0; i < NODES; i++)
		decide(i);
}

/* The busiest by the mean over so many ticks. */
static double
peak_over(unsigned ticks)
{
	double answers[NODES] = {0}, most = 0;

	for (unsigned i = 0; i < ticks; i++)
		tick(answers);
	for (size_t i = 0; i < NODES; i++)
		most = fmax(most, answers[i]);
	return most * NODES / ticks / PER_TICK;
}

/* That some node keeps, since by its own list it is to hold it. */
static double
copies(void)
{
	unsigned held = 0;

	for (size_t k = 0; k < OBJECTS; k++)
		for (size_t i = 0; i < NODES; i++) {
			const struct hot *h = hotset_find(
				nodes[rankings[k].node[i]].hot, hashes[k]);

			held += i < (h ? h->r : 1);
		}
	return (double)held / OBJECTS;
}

static void
check(double alpha, unsigned site)
{
	double before, held, after;

	set_up(alpha, site);
	(void)peak_over(40);
	before = peak_over(40);
	held = copies();
	flash = true;
	(void)peak_over(8);
	after = peak_over(16);
	print_message("Zipf %.1f: peak %.3f, %.2f copies; from 2 s after the "
		      "flash crowd on %.3f\n",
		alpha, before, held, after);
	assert_true(before < 1.1);
	assert_true(held <= 1.35);
	assert_true(after < 1.2);
	tear_down();
}

static void
test_crowds(void **state)
{
	for (unsigned site = 0; site < 9; site++)
		check(((double[]){.7, .8, 1})[site % 3], site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_crowds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
