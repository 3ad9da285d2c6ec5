#pragma once
/*
 * Cache-Control (RFC 9111, 5.2), and what a shared cache may do with a
 * response: store it, and for how long it is fresh (3 and 4.2). In doubt the
 * stricter reading holds. Responses that would need revalidation or selection
 * by Vary before each use are not storable: we cannot do either yet.
 */
#include "http/head.h"

struct cachectl {
	bool no_store;
	bool no_cache; /* with or without field names */
	bool private_; /* with or without field names */
	bool public_;
	bool must_revalidate;
	bool proxy_revalidate;
	bool no_transform;
	bool only_if_cached;
	/* Seconds; -1 when absent, 0 when unreadable, the least of several,
	 * at most CACHECTL_MAX_S. */
	int64_t max_age;
	int64_t s_maxage;
};

#define CACHECTL_MAX_S (INT64_C(1) << 31) /* RFC 9111, 1.2.2 */

/* All Cache-Control fields of h together. A field with a quoted string left
 * open could hide anything, so it counts as no-store. */
void cachectl_parse(const struct head *h, struct cachectl *out);

struct freshness {
	bool storable;
	int64_t lifetime_s;    /* since the origin made it */
	int64_t initial_age_s; /* at now_s; less than lifetime_s if storable */
	const char *why_not; /* static text without quotes; NULL if storable */
};

/* May the response, whose head arrived at now_s (clock_wall_s()), be stored? */
void cachectl_freshness(const struct head *request, const struct head *response,
	int64_t now_s, struct freshness *out);
