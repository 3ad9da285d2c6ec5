#pragma once
/*
 * struct heat: which keys are hot in the cluster, and so are held by more nodes
 * than one.
 *
 * Each node counts what it answers by key (tally.h), and tells all others its
 * most frequent ones four times a second, or less often where links are scarce
 * and nothing changes (news.h). From what all say, its own news among them,
 * each node makes the same list: how many nodes hold which key, and which of
 * them is to answer how much of it, so that all have the same to do
 * (placement/demand.h, placement/spread.h). A list is immutable and published
 * whole. Narrowing takes a second of less traffic, and copies go then; widening
 * is at once.
 *
 * What there is to do is counted in bytes; a request is as much beside those
 * that it sends as it costs of what is scarce, links or processors.
 *
 * Keys are named by owner_hash(): of two groups, they are two.
 */
#include "proxy/news.h"
#include "proxy/worker.h"

struct heat;
struct hot;

struct heat *heat_new(void);
void heat_free(struct heat *h); /* NULL is fine */

/* The first worker's: begins and ends telling. */
void heat_start(struct worker *w);
void heat_stop(struct worker *w);

/* NULL: its owner holds it alone. In a section of base/epoch.h. */
const struct hot *heat_find(const struct node *n, uint64_t key);
/* How many nodes hold the key. In a section of base/epoch.h. */
unsigned heat_width(const struct node *n, uint64_t key);
/* The same, and which share it is of all that the cluster has to do; 0 if it is
 * not hot. */
unsigned heat_explain(const struct node *n, uint64_t key, double *share);

/* We hold now what is stored under that key (its plain hash), beside its owner
 * in that place: until it is not hot any more. */
void heat_note_copy(struct node *n, uint64_t stored, size_t place);

/* How often this node itself answers for the key, in requests a second; 0: not
 * worth telling. */
double heat_rate(const struct node *n, uint64_t key);

/* What that peer says. Old news is ignored. */
void heat_hear(struct node *n, size_t peer, const struct news *news);
/* The load that it told last; false: nothing, or long ago. */
bool heat_load(const struct node *n, size_t peer, uint32_t *load);
/* Do most nodes find that it is links that there is too little of? */
bool heat_links_are_scarce(const struct node *n);
/* Requests under way that this node answers. */
uint32_t heat_own_load(const struct node *n);
