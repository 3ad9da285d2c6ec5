#include "placement/view.h"

#include <xxhash.h>

#include "base/check.h"

/* The number at the front of *z, which is passed over. */
static uint64_t
take_number(const char **z)
{
	uint64_t n = 0;

	for (; char_is_digit(**z); ++*z)
		n = n * 10 + (uint64_t)(**z - '0');
	return n;
}

static int
compare_names(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (char_is_digit(*x) && char_is_digit(*y)) {
			uint64_t n = take_number(&x), m = take_number(&y);

			if (n != m)
				return n < m ? -1 : 1;
		} else if (*x != *y) {
			return *x < *y ? -1 : 1;
		} else {
			x++, y++;
		}
	}
	if (*x || *y)
		return *x ? 1 : -1;
	return strcmp(a, b); /* n1 and n01 */
}

static bool
is_before(const struct view_node *a, const struct view_node *b)
{
	if (a->joined != b->joined)
		return a->joined < b->joined;
	return compare_names(a->name, b->name) < 0;
}

static void
sum_up(struct view *v)
{
	unsigned first = 0;

	v->nlive = v->weight = 0;
	v->weighted = false;
	for (size_t i = 0; i < v->nnodes; i++) {
		const struct view_node *n = &v->nodes[i];

		if (n->out)
			continue;
		first = v->nlive++ ? first : n->weight;
		v->weighted |= n->weight != first;
		v->weight += n->weight;
	}
}

void
view_add(struct view *v, const struct view_node *node)
{
	size_t at = v->nnodes++;
	struct view_node *nodes = v->nodes;

	CHECK(at < VIEW_MAX_NODES && node->weight >= 1);
	for (; at && is_before(node, &nodes[at - 1]); at--)
		nodes[at] = nodes[at - 1];
	nodes[at] = *node;
	if (!nodes[at].id)
		nodes[at].id = XXH3_64bits(node->name, strlen(node->name));
	sum_up(v);
}

void
view_add_name(struct view *v, struct str name, unsigned weight)
{
	struct view_node node = {
		.weight = weight, .member = (uint8_t)v->nnodes};

	CHECK(name.n < sizeof(node.name));
	memcpy(node.name, name.p, name.n);
	view_add(v, &node);
}

uint64_t
view_checksum(const struct view *v)
{
	uint64_t sum = v->nnodes;

	for (size_t i = 0; i < v->nnodes; i++) {
		const struct view_node *n = &v->nodes[i];
		uint64_t all[4] = {n->id, n->weight, n->joined, n->out};

		sum += XXH3_64bits(all, sizeof(all));
	}
	return sum;
}

int
view_find(const struct view *v, uint64_t id)
{
	for (size_t i = 0; i < v->nnodes; i++)
		if (v->nodes[i].id == id)
			return (int)i;
	return -1;
}
