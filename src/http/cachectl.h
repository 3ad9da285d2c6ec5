#pragma once
/*
 * Cache-Control (RFC 9111, 5.2) and its kin, and what a shared cache may do
 * with a response: store it, for how long it is fresh (3 and 4.2), and what is
 * to be done before it answers another request. In doubt the stricter reading
 * holds.
 *
 * Three steps, each pure: cachectl_freshness() when a response's head has
 * arrived; cachectl_keep() makes of it the few bytes that lie with a stored
 * response; cachectl_use() for each request that selects it.
 */
#include <assert.h>

#include "http/head.h"

#define CACHECTL_MAX_S (INT64_C(1) << 31) /* RFC 9111, 1.2.2 */

struct cachectl {
	bool no_store;
	bool no_cache; /* without field names, or with unreadable ones */
	bool private_; /* likewise */
	bool public_;
	bool must_revalidate;
	bool proxy_revalidate;
	bool must_understand;
	bool no_transform;
	bool immutable;
	bool only_if_cached;
	bool targeted; /* CDN-Cache-Control governs, so Expires does not */
	/* Seconds, at most CACHECTL_MAX_S; -1 when absent. Of several, and of
	 * what cannot be read, that which allows least: 0, but for min_fresh.
	 * max-stale without a value allows any. */
	int64_t max_age;
	int64_t s_maxage;
	int64_t max_stale;
	int64_t min_fresh;
	int64_t stale_while_revalidate;
	int64_t stale_if_error;
};

/*
 * All Cache-Control fields of h together. A field with a quoted string left
 * open could hide anything, so it counts as no-store. In a response, a
 * CDN-Cache-Control that is a Dictionary with a member is read instead (RFC
 * 9213); in a request, Pragma: no-cache when there is no Cache-Control.
 */
void cachectl_parse(const struct head *h, struct cachectl *out);

/* Must this field of the response be left out of what is stored? Those that
 * no-cache and private name, and the proxy's own (RFC 9111, 3.1). Hop-by-hop
 * fields are head_is_hop_by_hop()'s business. */
bool cachectl_withholds(const struct head *response, const struct field *f);

/* A response whose head has arrived. */
struct cachectl_event {
	const struct head *request; /* as sent to the origin */
	const struct head *response;
	int64_t asked_at_s; /* clock_wall_s() */
	int64_t arrived_at_s;
	/* A 206 counts as the 200 that it is a part of. */
	bool is_part;
};

struct freshness {
	bool storable;
	bool must_revalidate;  /* once stale, never used without validation */
	bool no_cache;	       /* to be validated before each use */
	bool immutable;	       /* while fresh, a reload asks for nothing new */
	bool heuristic;	       /* nobody wrote the lifetime */
	bool shared;	       /* for requests with Authorization too (3.5) */
	int64_t lifetime_s;    /* since the origin made it */
	int64_t initial_age_s; /* when it arrived */
	int64_t stale_while_revalidate_s;
	int64_t stale_if_error_s;
	const char *why_not; /* static text without quotes; NULL if storable */
};

/* May the response be stored, and how long is it of use? Storable are fresh
 * ones, those that may be used when stale, and those with a validator. */
void cachectl_freshness(const struct cachectl_event *e, struct freshness *out);

/* What is kept with a stored response. */
struct stored_freshness {
	uint32_t lifetime_s;
	uint32_t stale_while_revalidate_s; /* beyond the lifetime */
	uint32_t stale_if_error_s;	   /* beyond the lifetime */
	bool must_revalidate : 1;
	bool no_cache : 1;
	bool immutable : 1;
	bool heuristic : 1;
	bool shared : 1;
};
static_assert(sizeof(struct stored_freshness) == 16, "one per object");

struct stored_freshness cachectl_keep(const struct freshness *f);

enum cachectl_use {
	USE_FRESH,		/* as it is; perhaps stale, but allowed */
	USE_STALE_REVALIDATING, /* as it is, and validate it meanwhile */
	USE_REVALIDATE,		/* not before it is validated */
};

/* What may a stored response of that age do for a request? */
enum cachectl_use cachectl_use(const struct cachectl *request,
	const struct stored_freshness *stored, int64_t age_s);

/* May it answer when the validation has failed: no origin, or a 5xx from it
 * (RFC 5861, 4)? */
bool cachectl_usable_on_error(const struct cachectl *request,
	const struct stored_freshness *stored, int64_t age_s);
