#pragma once
/* Between surge.c, which makes the files, and surge_order.c, which asks for
 * them. */
#include "bench/rng.h"
#include "bench/surge.h"

/* The LRU stack that orders pages, in a round in which each page is asked for
 * as often as it is popular. */
struct surge_stack {
	uint32_t *pages; /* owned: begun and not yet done, latest first */
	size_t n;
	uint32_t *firsts; /* owned: all pages, by their first request */
	size_t nfirsts, begun;
	uint32_t *left;	      /* owned, per file: requests to come */
	uint64_t *first_at;   /* owned, per file: after so many requests */
	uint64_t round, done; /* requests for pages: in all, and so far */
	struct rng rng;
};

struct surge_user {
	uint32_t page; /* a file's number */
	uint32_t next; /* of its links, the one to ask for */
	bool has_a_page;
};

struct surge {
	struct catalog catalog;
	struct surge_file *files; /* owned */
	size_t nfiles;
	uint32_t *links; /* owned */
	size_t nlinks;
	struct surge_stack stack;
	struct surge_user *users; /* owned */
	struct rng off;
};

void surge_order_init(struct surge *s, unsigned users, uint64_t seed);
void surge_order_fini(struct surge *s);
