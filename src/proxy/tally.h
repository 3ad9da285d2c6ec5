#pragma once
/*
 * Counting for heat.h: each worker counts, by key, what it answers and what its
 * own clients ask for (placement/topk.h); the first worker adds up.
 */
#include "placement/widen.h"
#include "proxy/news.h"
#include "proxy/worker.h"

enum {
	TALLY_TICK_MS = 250, /* between two collections */
	TALLY_WINDOW_S = 4,  /* counts are those of so long, more or less */
	TALLY_ASKED_MOST = 64,
};

/* This worker answers a request for that key, whoever asked. */
void tally_answer(struct worker *w, uint64_t key);
/* A client of ours asks for it, whoever will answer. */
void tally_ask(struct worker *w, uint64_t key);

/* The keys and rates of what was answered; the rest of *out is untouched. */
void tally_collect(const struct node *n, struct news *out);
/* Keys that our own clients ask for so much that it is beyond doubt. As the
 * balancer sprays connections, they are as good as everybody's; and what they
 * say is here at once, whereas the owner, who is the busiest then, may not get
 * a word out. */
size_t tally_asked(const struct node *n, struct widen_key *out);

/* Adds up those of one key, and puts them in order; what is left of n. */
size_t tally_sum_up(struct news_key *keys, size_t n);
/* Small numbers differ by chance: what is asked for at least, by so many
 * deviations, when so many were counted. */
double tally_at_least(double counted, double deviations);
