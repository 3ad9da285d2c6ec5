#include "http/range.h"

#include <errno.h>

/* What follows "bytes" and a separator, or a slice with p == NULL. */
static struct str
after_unit(struct str s, char separator)
{
	struct str unit = {0};

	(void)str_split(&s, separator, &unit);
	return str_ieq(unit, STR("bytes")) ? s : (struct str){0};
}

/* A position; what is too large for any content becomes INT64_MAX. */
static bool
parse_position(struct str s, uint64_t *out)
{
	uint64_t v = INT64_MAX;

	if (str_u64(s, INT64_MAX, &v) == -EINVAL)
		return false;
	*out = v;
	return true;
}

/* --- Range --------------------------------------------------------------- */

/* "5-9", "5-" or "-5". */
static bool
parse_asked(struct str s, struct range_asked *out)
{
	struct str first;

	if (!str_split(&s, '-', &first) || !s.p)
		return false;
	*out = (struct range_asked){.last = UINT64_MAX};
	if (first.n == 0) {
		out->is_suffix = true;
		return parse_position(s, &out->first);
	}
	if (!parse_position(first, &out->first))
		return false;
	if (s.n && !parse_position(s, &out->last))
		return false;
	return out->first <= out->last;
}

static bool
parse_set(struct str value, struct range_set *out)
{
	struct str rest = after_unit(value, '='), element;
	struct range_set set = {0};

	while (list_next(&rest, &element)) {
		if (set.n == RANGE_MAX_ASKED ||
			!parse_asked(element, &set.v[set.n++]))
			return false;
	}
	if (set.n)
		*out = set;
	return set.n;
}

bool
range_asked(const struct head *request, struct range_set *out)
{
	const struct field *found = NULL;

	if (request->method != METHOD_GET)
		return false;
	for (unsigned i = 0; i < request->nfields; i++) {
		if (request->fields[i].id != FIELD_RANGE)
			continue;
		if (found)
			return false;
		found = &request->fields[i];
	}
	return found && parse_set(found->value, out);
}

/* False when no byte of it is there. */
static bool
resolve(struct range_asked a, uint64_t length, struct range *out)
{
	if (a.is_suffix) {
		if (a.first == 0 || length == 0)
			return false;
		*out = (struct range){
			a.first < length ? length - a.first : 0, length - 1};
		return true;
	}
	if (a.first >= length)
		return false;
	*out = (struct range){a.first, a.last < length ? a.last : length - 1};
	return true;
}

static bool
touch(struct range a, struct range b)
{
	return a.first <= b.last + 1 && b.first <= a.last + 1;
}

static struct range
join(struct range a, struct range b)
{
	return (struct range){a.first < b.first ? a.first : b.first,
		a.last > b.last ? a.last : b.last};
}

/* Into the first part that it touches; parts that it bridges become one. */
static unsigned
add(struct range r, struct range *parts, unsigned n)
{
	unsigned at = 0, kept;

	while (at < n && !touch(parts[at], r))
		at++;
	parts[at] = at < n ? join(parts[at], r) : r;
	if (at == n)
		return n + 1;
	kept = at + 1;
	for (unsigned i = at + 1; i < n; i++) {
		if (touch(parts[at], parts[i]))
			parts[at] = join(parts[at], parts[i]);
		else
			parts[kept++] = parts[i];
	}
	return kept;
}

enum range_result
range_resolve(
	const struct range_set *set, uint64_t length, struct range_parts *out)
{
	struct range parts[RANGE_MAX_ASKED], r;
	unsigned n = 0;

	for (unsigned i = 0; i < set->n; i++)
		if (resolve(set->v[i], length, &r))
			n = add(r, parts, n);
	if (n == 0)
		return RANGE_UNSATISFIABLE;
	if (n > RANGE_MAX_PARTS)
		return RANGE_WHOLE;
	out->n = n;
	memcpy(out->v, parts, n * sizeof(parts[0]));
	return RANGE_PARTS;
}

/* --- Content-Range ------------------------------------------------------- */

static bool
parse_part(struct str s, struct range *out)
{
	struct str first;

	return str_split(&s, '-', &first) &&
		str_u64(first, INT64_MAX, &out->first) == 0 &&
		str_u64(s, INT64_MAX, &out->last) == 0 &&
		out->first <= out->last;
}

bool
range_parse_content(struct str value, struct content_range *out)
{
	struct str length = after_unit(value, ' '), part;
	struct content_range c = {0};

	if (!str_split(&length, '/', &part))
		return false;
	c.satisfied = !str_eq(part, STR("*"));
	c.counted = !str_eq(length, STR("*"));
	if (c.satisfied && !parse_part(part, &c.part))
		return false;
	if (c.counted && str_u64(length, INT64_MAX, &c.length))
		return false;
	if (!c.satisfied && !c.counted)
		return false;
	if (c.satisfied && c.counted && c.part.last >= c.length)
		return false;
	*out = c;
	return true;
}

void
range_put_content(struct range part, uint64_t length, struct buf *out)
{
	buf_z(out, "bytes ");
	buf_u64(out, part.first);
	buf_z(out, "-");
	buf_u64(out, part.last);
	buf_z(out, "/");
	buf_u64(out, length);
}

void
range_put_unsatisfied(uint64_t length, struct buf *out)
{
	buf_z(out, "bytes */");
	buf_u64(out, length);
}
