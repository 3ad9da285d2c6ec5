#pragma once
/*
 * The users of a web server, by the model of SURGE: P. Barford, M. Crovella,
 * Generating Representative Web Workloads for Network and Server Performance
 * Evaluation, SIGMETRICS 1998. Six things are as measured there (its table 1;
 * the distributions' formulas are in bench/dist.h):
 *
 * - Sizes of files: 93 % lognormal below 133 KB, 7 % Pareto above.
 * - Popularity: Zipf; the file of rank r is asked for in proportion to 1 / r.
 * - Sizes asked for: Pareto. Which file is how popular is found by matching
 *   (its section 4): from the largest file down, each gets of the popularities
 *   that are left the one with which what was asked for so far is nearest to
 *   what the distribution says.
 * - Embedded references: a page (base file) has as many files in it as Pareto
 *   says, rounded down. Files are base, embedded or single; an embedded one is
 *   only asked for with its pages, which are linked so that it has its
 *   popularity. The shares of the three, 30, 38 and 32 %, make these agree:
 *   a base file has 1.38 embedded ones on average (the sum of k^-2.43).
 * - Temporal locality: the order of pages is made with an LRU stack. Pages come
 *   for the first time at even intervals, popular ones early; a page comes
 *   again from a lognormal distance from the top, or from two places around
 *   it: of these it is the one that lacks the most of its share, so that what
 *   is popular is so from the beginning to the end. One that has had all of its
 *   requests leaves the stack.
 * - OFF times: a user (user equivalent) waits a Weibull time before each
 *   embedded file, while his browser works (active OFF), and a Pareto time
 *   before the next page, which he reads and thinks about (inactive OFF).
 *
 * All users together ask for pages in the one order. When each file has been
 * asked for as often as it is popular, it begins again, shuffled.
 */
#include "bench/dist.h"
#include "bench/play.h"

#define SURGE_TAIL 0.07
#define SURGE_ZIPF 1.0
extern const struct lognormal surge_body_bytes;
extern const struct pareto surge_tail_bytes, surge_request_bytes;
extern const struct pareto surge_embedded, surge_inactive_off_s;
extern const struct weibull surge_active_off_s;
extern const struct lognormal surge_distance;

/* The published set; and how many surge_new() may be asked for. */
enum { SURGE_FILES = 2000, SURGE_FILES_MIN = 10, SURGE_FILES_MAX = 20000 };

enum surge_class { SURGE_BASE, SURGE_EMBEDDED, SURGE_SINGLE };

struct surge_file {
	enum surge_class class;
	uint32_t requests; /* by popularity, in one round of the order */
	uint32_t first;	   /* base: of the links, its first */
	uint32_t nlinks;
};

struct surge;

struct surge *surge_new(unsigned nfiles, unsigned users, uint64_t seed);
void surge_free(struct surge *s);
/* Its files as objects, from the smallest to the largest. */
const struct catalog *surge_catalog(const struct surge *s);
/* As many as objects, in their order. */
const struct surge_file *surge_files(const struct surge *s);
/* The embedded files' numbers, page by page. */
const uint32_t *surge_links(const struct surge *s);
/* The distribution of files' sizes. */
double surge_size_cdf(double bytes);

/* The next page in the order: a base or a single file's number. */
uint32_t surge_next_page(struct surge *s);
/* A play's order: each client is a user. Without end. */
bool surge_order(void *surge, unsigned client, struct play_step *out);
