#pragma once
/*
 * The loop as a whole, without a network, for tests: nodes that get requests
 * from a crowd, count, tell each other a tick later, decide, and choose who
 * answers. A test fills `upto` (and `bytes`), and lets time go by.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "placement/demand.h"
#include "placement/topk.h"

enum {
	NODES = 16,
	OBJECTS = 100,
	FLASH = OBJECTS, /* the one that is new */
	TOLD = 64,
};

/* As in proxy/tally.c. */
#define KEEP 0.9800f
#define KEEP_RECENT 0.6065f
#define RATE(count, keep) ((double)(count) * (1 - (double)(keep)) * 4)
#define BUDGET (0.35 * 0.8 * OBJECTS) /* as in proxy/heat.c */

struct told {
	struct demand_key keys[TOLD];
	size_t n;
	struct demand_rate all;
	double in;
};

struct node {
	struct topk answered, recent, asked;
	struct topk now_answered, now_asked; /* of this tick */
	double in;
	struct told heard; /* by the others, a tick late */
	struct told own;
	struct hotset *hot;
};

static struct node nodes[NODES];
static struct place *place;
static struct place_key keys[OBJECTS + 1];
static struct ranking rankings[OBJECTS + 1];
static double upto[OBJECTS];	  /* popularity, summed up */
static double bytes[OBJECTS + 1]; /* what an answer costs */
static double comes[NODES];	  /* to whom clients come, summed up */
static unsigned per_tick;	  /* requests */
static uint64_t random_state;
static double flash; /* how many are for what is new */

static inline double
draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) * 0x1p-53;
}

static inline void
sim_start(unsigned site)
{
	static struct view v;
	struct place_params params = {0};

	v = (struct view){0};
	for (unsigned i = 0; i < NODES; i++) {
		struct view_node n = {.weight = 1, .member = (uint8_t)i};

		snprintf(n.name, sizeof(n.name), "n%u", i);
		view_add(&v, &n);
		nodes[i] = (struct node){0};
		comes[i] = (i + 1.) / NODES;
	}
	place = place_new(&policy_hrw, &v, &params, NULL, NULL);
	for (size_t k = 0; k <= OBJECTS; k++) {
		char url[64];

		snprintf(url, sizeof(url), "http://s%u.test/%zu", site, k);
		keys[k].hash = keys[k].digest = place_hash(str_z(url));
		place_rank(place, str_z(url), NODES, &rankings[k]);
		for (size_t i = 0; i < NODES; i++)
			rankings[k].node[i] =
				v.nodes[rankings[k].node[i]].member;
		bytes[k] = 10000;
	}
	random_state = 88172645463325252u + site;
	flash = 0;
	per_tick = 400; /* 1,600 a second */
}

static inline void
sim_stop(void)
{
	for (size_t i = 0; i < NODES; i++)
		free(nodes[i].hot);
	place_free(place);
}

/* One of those, which are summed up. */
static inline size_t
draw_of(const double *summed, size_t n)
{
	double u = draw();
	size_t k = 0;

	while (k < n - 1 && summed[k] <= u)
		k++;
	return k;
}

static inline size_t
answering(size_t ingress, size_t object)
{
	const struct hot *h =
		hotset_find(nodes[ingress].hot, keys[object].hash);

	return rankings[object].node[h ? hot_choose(h, rankings[object].node,
						 h->r, ingress, draw())
				       : 0];
}

static inline void
put_told(struct told *t, const struct node *n, const struct place_key *key,
	unsigned r)
{
	double count = (double)topk_find(&n->answered, key->hash), work = 0;

	for (size_t i = 0; i < n->answered.n; i++)
		if (n->answered.v[i].key.hash == key->hash)
			work = (double)n->answered.v[i].bytes;
	t->keys[t->n++] = (struct demand_key){.key = *key,
		.rate = {RATE(count, KEEP),
			RATE(topk_find(&n->recent, key->hash), KEEP_RECENT),
			RATE(work, KEEP)},
		.r = r};
}

static inline void
make_told(struct node *n)
{
	struct told t = {.all = {RATE(n->answered.total, KEEP),
				 RATE(n->recent.total, KEEP_RECENT),
				 RATE(n->answered.bytes, KEEP)},
		.in = RATE(n->in, KEEP)};

	for (size_t i = 0; n->hot && i < n->hot->n && t.n < TOLD; i++)
		if (n->hot->v[i].ours)
			put_told(&t, n, &n->hot->v[i].key, n->hot->v[i].r);
	for (size_t i = 0; i < n->answered.n && t.n < TOLD; i++) {
		const struct topk_entry *e = &n->answered.v[i];
		const struct hot *h = hotset_find(n->hot, e->key.hash);

		if ((!h || !h->ours) &&
			(double)e->count >= .004 * n->answered.total)
			put_told(&t, n, &e->key, 0);
	}
	n->heard = n->own;
	n->own = t;
}

static inline void
decide(size_t self)
{
	struct node *n = &nodes[self];
	struct demand_key asked[TOLD];
	static struct spread_row rows[DEMAND_ROWS];
	struct hotset *before = n->hot;
	struct demand_members m = {.places = &place,
		.nplaces = 1,
		.up = (1u << NODES) - 1,
		.self = self};
	size_t nasked = 0;
	struct demand d;
	struct spread s;

	demand_init(&d);
	for (size_t i = 0; i < NODES; i++) {
		const struct told *t = i == self ? &n->own : &nodes[i].heard;

		demand_add(&d, i, &t->all, t->keys, t->n);
		m.in[i] = t->in;
	}
	demand_sum(&d);
	demand_temper(&d);
	for (size_t i = 0; i < n->asked.n && nasked < TOLD; i++)
		if ((double)n->asked.v[i].count >= .05 * n->asked.total)
			asked[nasked++] = (struct demand_key){
				.key = n->asked.v[i].key,
				.rate.rate = (double)n->asked.v[i].count};
	demand_heed(&d, asked, nasked, n->asked.total);
	demand_spread(&d, &m, before, rows, &s);
	n->hot = hotset_next(before, &s, BUDGET);
	free(before);
	demand_fini(&d);
}

static inline void
collect(struct node *n)
{
	topk_fade(&n->answered, KEEP);
	topk_fade(&n->recent, KEEP_RECENT);
	topk_fade(&n->asked, KEEP_RECENT);
	n->in = n->in * (double)KEEP + n->now_asked.total;
	topk_add(&n->answered, &n->now_answered);
	topk_add(&n->recent, &n->now_answered);
	topk_add(&n->asked, &n->now_asked);
	topk_clear(&n->now_answered);
	topk_clear(&n->now_asked);
	make_told(n);
}

/* Adds what each answers in one tick, in bytes. */
static inline void
tick(double *answers)
{
	for (unsigned i = 0; i < per_tick; i++) {
		size_t ingress = draw_of(comes, NODES);
		size_t k = draw() < flash ? FLASH : draw_of(upto, OBJECTS);
		size_t owner = answering(ingress, k);

		topk_count(&nodes[ingress].now_asked, &keys[k], 0);
		topk_count(&nodes[owner].now_answered, &keys[k],
			(uint64_t)bytes[k]);
		answers[owner] += bytes[k];
	}
	for (size_t i = 0; i < NODES; i++)
		collect(&nodes[i]);
	for (size_t i = 0; i < NODES; i++)
		decide(i);
}

/* The busiest by the mean over so many ticks. */
static inline double
peak_over(unsigned ticks)
{
	double answers[NODES] = {0}, most = 0, sum = 0;

	for (unsigned i = 0; i < ticks; i++)
		tick(answers);
	for (size_t i = 0; i < NODES; i++) {
		most = fmax(most, answers[i]);
		sum += answers[i];
	}
	return most * NODES / sum;
}

/* Nodes that keep it, since by their own list they are to hold it. */
static inline unsigned
copies_of(size_t k)
{
	unsigned held = 0;

	for (size_t i = 0; i < NODES; i++) {
		const struct hot *h = hotset_find(
			nodes[rankings[k].node[i]].hot, keys[k].hash);

		held += i < (h ? h->r : 1);
	}
	return held;
}

static inline double
copies(void)
{
	unsigned held = 0;

	for (size_t k = 0; k < OBJECTS; k++)
		held += copies_of(k);
	return (double)held / OBJECTS;
}
