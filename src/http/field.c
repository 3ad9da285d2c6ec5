/*
 * A hash table that is filled before main(): by a name's length and its first
 * and last bytes, which tell nearly all of them apart; chained by index.
 */
#include "http/field.h"

#include "base/check.h"

enum {
	SLOTS = 256,
	NAME_MAX_BYTES = 32, /* of those in the table */
};

static const struct str names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
#include "http/fields.def"
#undef FIELD
};
static char lower_names[FIELD_COUNT][NAME_MAX_BYTES];
static unsigned char firsts[SLOTS], nexts[FIELD_COUNT];
static_assert(FIELD_COUNT <= 256, "indices are bytes");

/* Of a byte that is no control byte, this is its lower case if it is a letter.
 */
static inline unsigned char
folded(char c)
{
	return (unsigned char)c | 0x20;
}

static size_t
slot_of(struct str name)
{
	/* Found by trial: no two of today's names share a slot. */
	return (name.n * 11 + folded(name.p[0]) * 23u +
		       folded(name.p[name.n - 1]) * 7u) %
		SLOTS;
}

static __attribute__((constructor)) void
fill_table(void)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		struct str name = names[id];
		unsigned char *first = &firsts[slot_of(name)];

		CHECK(name.n <= NAME_MAX_BYTES);
		for (size_t i = 0; i < name.n; i++)
			lower_names[id][i] = char_lower(name.p[i]);
		nexts[id] = *first;
		*first = (unsigned char)id;
	}
}

static inline bool
same_8(const char *token, const char *lower)
{
	uint64_t a, b;

	memcpy(&a, token, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | 0x2020202020202020) == b;
}

static inline bool
same_4(const char *token, const char *lower)
{
	uint32_t a, b;

	memcpy(&a, token, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return (a | 0x20202020) == b;
}

/*
 * Are the n bytes those of a known name in lower case? Known names are letters,
 * digits and '-': only a letter of either case, or a control byte, becomes one
 * of them by setting 0x20. The last words may overlap.
 */
static bool
same_name(const char *token, const char *lower, size_t n)
{
	if (n >= 8) {
		for (size_t i = 0; i + 8 < n; i += 8)
			if (!same_8(token + i, lower + i))
				return false;
		return same_8(token + n - 8, lower + n - 8);
	}
	if (n >= 4)
		return same_4(token, lower) &&
			same_4(token + n - 4, lower + n - 4);
	for (size_t i = 0; i < n; i++)
		if (folded(token[i]) != (unsigned char)lower[i])
			return false;
	return true;
}

enum field_id
field_id_of(struct str name)
{
	unsigned char id = firsts[slot_of(name)];

	while (id &&
		(names[id].n != name.n ||
			!same_name(name.p, lower_names[id], name.n)))
		id = nexts[id];
	return (enum field_id)id;
}
