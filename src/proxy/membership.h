#pragma once
/*
 * struct membership: the roster of this node, and what follows from it: the
 * view and the places that keys have in it, for all nodes and for each group.
 * All threads.
 *
 * What follows is made anew with every change and published whole; readers hold
 * on to what they found for a section of base/epoch.h. What it replaced is kept
 * beside it: there the previous owners are looked up.
 */
#include "http/head.h"
#include "placement/roster.h"
#include "proxy/node.h"

struct places {
	struct view view;
	uint64_t checksum;
	uint64_t since_ns;
	struct place *v[1 + NODE_GROUPS_MAX]; /* owned: of all nodes, then by
						 group */
	size_t n;
	_Atomic(struct places *) before; /* owned; NULL: the first */
};

struct membership;

struct membership *membership_new(struct node *n);
void membership_free(struct membership *m); /* NULL is fine */

/* Whose index that is; it never changes. */
size_t membership_count(const struct node *n);
const char *membership_name(const struct node *n, size_t i);
struct in_addr membership_addr(const struct node *n, size_t i);
/* -1: there is none. */
int membership_find_addr(const struct node *n, struct in_addr addr);
int membership_find(const struct node *n, struct str name);

/* In a section of base/epoch.h. */
struct places *membership_places(const struct node *n);
/* Which of places->v a request uses: by the configuration's rules. */
size_t places_choose(const struct node_config *config, const struct head *h,
	struct str host, struct str target);

/* A checksum of all that decides how keys are placed, but for who is there:
 * nodes that differ in it are none of one cluster. */
uint64_t membership_rules_checksum(const struct node *n);

/* An operator's wish: "drain NAME", "restore NAME", "leave NAME", "weight NAME
 * N" or "join NAME ADDRESS [N]". NULL, or why not; static. Others are yet to be
 * told: see w->tell of worker.h. */
const char *membership_change(struct node *n, struct str wish);
/* What a peer's roster has that is newer. -EINVAL: that is none. *news: ours
 * has changed. *lacking: it knows less than we do. */
int
membership_merge(struct node *n, struct str text, bool *news, bool *lacking);
/* Appends our roster, as text. */
void membership_put(const struct node *n, struct buf *out);
/* The member of that index. */
void membership_entry(const struct node *n, size_t i, struct roster_entry *out);
