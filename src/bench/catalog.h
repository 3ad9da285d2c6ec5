#pragma once
/*
 * struct catalog: objects of made content, and the requests for them of a log,
 * if they come from one.
 *
 * A target that ever had a 2xx answer is an object that exists, with the
 * largest size logged for it; one that only ever had 304 exists too, with a
 * size made up (CATALOG_UNKNOWN_BYTES), as its log does not tell it. The others
 * keep the first failure or redirection logged, or 404 where that is none that
 * an origin would give of itself. Every object, also one that is a 404, has
 * made content (bench/content.h), so that all answers can be verified.
 *
 * Conditional requests (304) become plain ones: all caches start empty.
 */
#include "base/arena.h"
#include "bench/trace.h"
#include "http/head.h"

#include <stdint.h>
#include <stdio.h>

enum {
	CATALOG_UNKNOWN_BYTES = 4096,
	CATALOG_STATUS_BYTES = 256, /* the body of an answer that is no 200 */
};

#define CATALOG_ANY_BYTES UINT64_MAX

struct object {
	struct str
		target; /* sendable (bench/target.h); in the catalog's arena */
	uint64_t seed;
	uint64_t bytes;	 /* CATALOG_ANY_BYTES: nobody knows */
	unsigned status; /* 200, or what the origin answers */
	bool known;	 /* its size is from the log */
};

struct catalog_request {
	uint32_t object; /* index */
	enum method method;
};

struct catalog {
	struct object *objects; /* owned, in the order of first requests */
	size_t nobjects, objects_cap;
	struct catalog_request *requests; /* owned, in the log's order */
	size_t nrequests, requests_cap;
	uint64_t unreadable;	/* lines or records */
	uint64_t unsendable;	/* targets without a form to be sent in */
	uint64_t other_methods; /* neither GET, HEAD nor POST; left out */
	uint64_t conditional;	/* 304s, replayed as plain requests */
	struct arena arena;
	uint32_t *slots; /* owned: object index + 1 by seed, open addressing */
	size_t nslots;	 /* a power of two, or 0 */
};

/* The object at this target, or NULL. */
const struct object *catalog_find(const struct catalog *c, struct str target);
/* The number of the object at this target, which is there if it was not yet. */
uint32_t catalog_add(struct catalog *c, struct str target, uint64_t bytes);
/* Reads the whole log into *c, which is all zero; format NULL: by how it looks.
 * 0 or negative errno; to be freed with catalog_fini() in either case. */
int catalog_read(struct catalog *c, FILE *log, const enum trace_format *format);
void catalog_fini(struct catalog *c);
/* What all objects with this status that is not 200 have as their body. */
uint64_t catalog_status_seed(unsigned status);
