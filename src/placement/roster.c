#include "placement/roster.h"

#include <arpa/inet.h>
#include <errno.h>

static const char *const state_names[ROSTER_STATES] = {
	[ROSTER_IN] = "in",
	[ROSTER_DRAINED] = "drained",
	[ROSTER_GONE] = "gone",
};

const char *
roster_state_name(enum roster_state s)
{
	return state_names[s];
}

uint64_t
roster_number(const struct roster *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->v[i].version;
	return sum;
}

int
roster_find(const struct roster *r, struct str name)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(str_z(r->v[i].name), name))
			return (int)i;
	return -1;
}

/* False: a name of that kind can't be one of a node. */
static bool
is_name(struct str name)
{
	static const char others[] = "._-";

	for (size_t i = 0; i < name.n; i++) {
		char c = char_lower(name.p[i]);

		if (!char_is_digit(c) && (c < 'a' || c > 'z') &&
			!memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return name.n > 0 && name.n < VIEW_NAME_BYTES;
}

int
roster_add(struct roster *r, const struct roster_entry *e)
{
	if (roster_find(r, str_z(e->name)) >= 0)
		return -EEXIST;
	if (r->n == VIEW_MAX_NODES)
		return -ENOSPC;
	r->v[r->n++] = *e;
	return 0;
}

/* Which of two says more: by version; of equal ones, anything that all nodes
 * decide alike. */
static int
compare(const struct roster_entry *a, const struct roster_entry *b)
{
	uint64_t x[] = {a->version, a->state, a->weight, a->joined};
	uint64_t y[] = {b->version, b->state, b->weight, b->joined};

	for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

/* Where it is stays as it was known first: an index stands for it. */
static bool
take(struct roster_entry *mine, const struct roster_entry *theirs)
{
	if (compare(mine, theirs) >= 0)
		return false;
	mine->weight = theirs->weight;
	mine->joined = theirs->joined;
	mine->state = theirs->state;
	mine->version = theirs->version;
	return true;
}

enum roster_merged
roster_merge(struct roster *into, const struct roster *from, bool *lacking)
{
	enum roster_merged result = ROSTER_SAME;

	*lacking = false;
	for (size_t i = 0; i < from->n; i++) {
		const struct roster_entry *e = &from->v[i];
		int at = roster_find(into, str_z(e->name));

		if (at < 0 ? roster_add(into, e) == 0 : take(&into->v[at], e))
			result = ROSTER_NEWS;
		else if (at >= 0 && compare(&into->v[at], e) > 0)
			*lacking = true;
	}
	for (size_t i = 0; i < into->n; i++)
		*lacking |= roster_find(from, str_z(into->v[i].name)) < 0;
	return result;
}

void
roster_put(const struct roster *r, struct buf *out)
{
	char addr[INET_ADDRSTRLEN];

	for (size_t i = 0; i < r->n; i++) {
		const struct roster_entry *e = &r->v[i];

		inet_ntop(AF_INET, &e->addr, addr, sizeof(addr));
		buf_printf(out, "%s %s %u %llu %s %llu\n", e->name, addr,
			e->weight, (unsigned long long)e->joined,
			state_names[e->state], (unsigned long long)e->version);
	}
}

/* One that a node can have: neither "this host" nor a group's (RFC 6890). */
static bool
parse_addr(struct str s, struct in_addr *out)
{
	struct in_addr addr;
	unsigned first;

	if (!str_addr(s, AF_INET, &addr))
		return false;
	first = ntohl(addr.s_addr) >> 24;
	if (first == 0 || first >= 224)
		return false;
	*out = addr;
	return true;
}

static bool
parse_state(struct str s, enum roster_state *out)
{
	for (int i = 0; i < ROSTER_STATES; i++)
		if (str_eq(s, str_z(state_names[i]))) {
			*out = (enum roster_state)i;
			return true;
		}
	return false;
}

static bool
parse_entry(struct str line, struct roster_entry *e)
{
	struct str word[6];
	uint64_t weight;

	for (int i = 0; i < 6; i++)
		if (!str_split(&line, ' ', &word[i]))
			return false;
	if (line.p || !is_name(word[0]) || !parse_addr(word[1], &e->addr) ||
		str_u64(word[2], ROSTER_WEIGHT_MAX, &weight) < 0 ||
		weight < 1 ||
		/* sums must not wrap */
		str_u64(word[3], UINT64_MAX / 256, &e->joined) < 0 ||
		!parse_state(word[4], &e->state) ||
		str_u64(word[5], UINT64_MAX / 256, &e->version) < 0)
		return false;
	memcpy(e->name, word[0].p, word[0].n);
	e->weight = (unsigned)weight;
	return true;
}

bool
roster_parse(struct str text, struct roster *out)
{
	struct roster r = {0};
	struct str line;

	if (!text.n || text.p[text.n - 1] != '\n')
		return false;
	text.n--;
	while (str_split(&text, '\n', &line)) {
		struct roster_entry e = {0};

		if (!parse_entry(line, &e) || roster_add(&r, &e) < 0)
			return false;
	}
	*out = r;
	return true;
}

void
roster_view(const struct roster *r, struct view *out)
{
	*out = (struct view){0};
	for (size_t i = 0; i < r->n; i++) {
		const struct roster_entry *e = &r->v[i];
		struct view_node n = {.weight = e->weight,
			.joined = e->joined,
			.out = e->state != ROSTER_IN,
			.member = (uint8_t)i};

		memcpy(n.name, e->name, sizeof(n.name));
		view_add(out, &n);
	}
	out->number = roster_number(r);
}
