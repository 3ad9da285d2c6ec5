#pragma once
/*
 * Placement: which nodes own a key, best first. struct place is a policy
 * applied to a view, with the tables that it looks keys up in; immutable, but
 * for the turns that rr and ht_rr take, and safe for all threads.
 *
 * A ranking has every member that is not out, once: rank 0 is the owner, the
 * next ones are its replicas and its stand-ins. But for rr and ht_rr it is a
 * pure function of (key, view, parameters).
 */
#include "placement/view.h"

#include <stdatomic.h>

struct ranking {
	uint8_t node[VIEW_MAX_NODES]; /* indexes into the view's nodes */
	size_t n;
};

struct place;

/* A key, as what is counted, and told to other nodes. */
struct place_key {
	uint64_t hash;	 /* who it is: of the key, and of its place */
	uint64_t digest; /* what its place's policy knows it by */
	uint8_t place;	 /* which one, where there are several */
};

struct policy {
	const char *name;
	unsigned points; /* preset of place_params.points; 0: it has none */
	bool weights;	 /* weights have an effect */
	bool turns;	 /* takes turns: not a pure function */
	/* What it looks up in, and its size; NULL: it has no tables. before is
	 * the place that this one takes over from, or NULL. */
	void *(*build)(const struct place *p, const struct place *before,
		size_t *bytes);
	void (*free)(void *table);
	/* All that it knows of a key; NULL: place_hash(). */
	uint64_t (*digest)(struct str key);
	/* The first `most` of the ranking, or more. */
	void (*rank)(const struct place *p, uint64_t digest, size_t most,
		struct ranking *out);
};

struct place_params {
	unsigned points; /* per node of weight 1, on circles; 0: the policy's */
	bool shared;	 /* ht_rr: one table for all nodes, see there */
	uint64_t self;	 /* ... in which we are this node's id */
};

struct place {
	const struct policy *policy;
	struct place_params params;
	struct view view;
	void *table; /* owned; NULL: the policy has none */
	size_t table_bytes;
	_Atomic uint64_t *turn; /* borrowed: outlives the place */
};

/* turn: a counter that policies which take turns advance. before: see
 * policy.build. */
struct place *place_new(const struct policy *policy, const struct view *v,
	const struct place_params *params, _Atomic uint64_t *turn,
	const struct place *before);
void place_free(struct place *p); /* NULL is fine */

/* Is the ranking the same at all nodes? */
bool place_is_agreed(const struct place *p);
/* XXH3 of the key. */
uint64_t place_hash(struct str key);
/* What the policy knows the key by. */
uint64_t place_digest(const struct place *p, struct str key);
void place_rank(const struct place *p, struct str key, size_t most,
	struct ranking *out);

/* All policies, by name; NULL: there is none of that name. */
const struct policy *policy_find(const char *name);
extern const struct policy *const policies[];
extern const size_t npolicies;

/* Highest random weight (Thaler and Ravishankar 1998), weighted: score
 * -w/ln(u). A change of members moves the keys of those members only. */
extern const struct policy policy_hrw;
/* The paper's: MD5 of the key, its first 8 bytes big-endian, mod N (mod the sum
 * of weights); stand-ins are the next nodes in order. */
extern const struct policy policy_md5;
/* The paper's upper bound: every request to the next node, whatever its key;
 * so every node comes to hold everything. */
extern const struct policy policy_rr;
/* Consistent hashing (Karger et al. 1997): each node has points on a circle of
 * 2^64, a key belongs to the first point from its own on. */
extern const struct policy policy_mit_ch;
/* The same as libketama places points: 160 a node, four from each MD5 of
 * "NAME-i", on a circle of 2^32. */
extern const struct policy policy_ring;
/* CARP v1.0 (draft-vinod-carp-v1-03), with load factors. Its hashes are
 * correlated: see carp.h. */
extern const struct policy policy_carp;
/* MOD_CH (reconstruction): consistent hashing in which each node that joins
 * halves the largest arcs. What its paper (Baboescu 2001) says of it fits; the
 * paper itself could not be had. Few points and powers of two suit it. */
extern const struct policy policy_mod_ch;
/* A table of 65,536 buckets, of which each is given to the next node in turn
 * when it is first seen (Kwak and Chung 2006). Every node has a table of its
 * own, as the paper's figures suggest; or, shared, a bucket's home (by hrw)
 * decides, and the others learn it. */
extern const struct policy policy_ht_rr;
/* Maglev (Eisenbud et al. 2016), a table of 65,537 entries. */
extern const struct policy policy_maglev;
/* Jump (Lamping and Veach 2014) over all members; a key that lands on one that
 * is out jumps again. */
extern const struct policy policy_jump;

/* --- ht_rr, shared: by the key's digest ----------------------------------- */
/* The home of the key's bucket, an index into the view's nodes. */
size_t ht_rr_home(const struct place *p, uint64_t digest);
/* Whom the key's bucket was given to, or -1: nobody that we know of. */
int ht_rr_known(const struct place *p, uint64_t digest);
/* Gives it to somebody, if it isn't anybody's: who has it then. */
size_t ht_rr_claim(const struct place *p, uint64_t digest);
/* Its home says so. */
void ht_rr_learn(const struct place *p, uint64_t digest, size_t node);
