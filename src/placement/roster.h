#pragma once
/*
 * struct roster: who is, or was, in the cluster: what views are made from. Each
 * node has one, and they tell each other when theirs change.
 *
 * Every change of a member gives its entry a version of its own, and of two
 * versions the greater wins: so rosters that are merged in whatever order, as
 * often as you like, end up equal, and changes of two members that were made at
 * two nodes at once are both kept. The number of a roster is the sum of the
 * versions: it grows with every change, and is the same where the entries are.
 *
 * Entries are never taken out: who has left must not be brought back by a node
 * that did not hear of it. As text, an entry is a line,
 *
 *	NAME ADDRESS WEIGHT JOINED in|drained|gone VERSION
 */
#include "base/buf.h"
#include "placement/view.h"

#include <netinet/in.h>

enum roster_state { ROSTER_IN, ROSTER_DRAINED, ROSTER_GONE, ROSTER_STATES };

enum { ROSTER_WEIGHT_MAX = 1000 };

struct roster_entry {
	char name[VIEW_NAME_BYTES]; /* never changes, as the address */
	struct in_addr addr;
	unsigned weight;
	uint64_t joined; /* the roster's number then */
	enum roster_state state;
	uint64_t version; /* 0: as the configuration has it */
};

/* By when they became known here: an index is for good, and a node's own. */
struct roster {
	struct roster_entry v[VIEW_MAX_NODES];
	size_t n;
};

uint64_t roster_number(const struct roster *r); /* see above */
/* -1: there is none. */
int roster_find(const struct roster *r, struct str name);
/* A new one; -EEXIST, or -ENOSPC when there are as many as can be. */
int roster_add(struct roster *r, const struct roster_entry *e);

enum roster_merged {
	ROSTER_SAME,
	ROSTER_NEWS, /* *into has changed */
};

/* Takes what is newer in from. lacking: from lacks something that *into has. */
enum roster_merged
roster_merge(struct roster *into, const struct roster *from, bool *lacking);

/* As text. */
void roster_put(const struct roster *r, struct buf *out);
/* False when it makes no sense. */
bool roster_parse(struct str text, struct roster *out);
/* With members numbered by their indexes. */
void roster_view(const struct roster *r, struct view *out);
const char *roster_state_name(enum roster_state s);
