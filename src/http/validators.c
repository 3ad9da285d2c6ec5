#include "http/validators.h"

#include "http/date.h"
#include "http/fields.h"

#define STRONG_AFTER_S 60

/* --- entity tags --------------------------------------------------------- */

bool
etag_is_weak(struct str etag)
{
	return str_starts(etag, STR("W/"));
}

static struct str
without_weakness(struct str etag)
{
	if (etag_is_weak(etag))
		etag = str_of(etag.p + 2, etag.n - 2);
	return etag;
}

static bool
is_etag_byte(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u != '"' && u != 0x7f;
}

/* How many bytes at the start of s are an entity tag? 0 when none are. */
static size_t
etag_span(struct str s)
{
	struct str opaque = without_weakness(s);
	size_t n = 1;

	if (opaque.n < 2 || opaque.p[0] != '"')
		return 0;
	while (n < opaque.n && is_etag_byte(opaque.p[n]))
		n++;
	if (n == opaque.n || opaque.p[n] != '"')
		return 0;
	return (size_t)(opaque.p + n + 1 - s.p);
}

bool
etag_is_valid(struct str s)
{
	return s.n && etag_span(s) == s.n;
}

bool
etag_same_strong(struct str a, struct str b)
{
	return !etag_is_weak(a) && str_eq(a, b);
}

bool
etag_same_weak(struct str a, struct str b)
{
	return str_eq(without_weakness(a), without_weakness(b));
}

/* Commas within a tag do not separate, and backslashes mean nothing there, so
 * list_next() is not for these. */
bool
etag_next(struct str *rest, struct str *etag)
{
	struct str element;

	while (rest->n) {
		struct str s = str_trim(*rest);
		size_t n = etag_span(s);

		*rest = str_of(s.p + n, s.n - n);
		if (!str_split(rest, ',', &element))
			return false;
		if (n && str_trim(element).n == 0) {
			*etag = str_of(s.p, n);
			return true;
		}
	}
	return false;
}

/* --- what a response has ------------------------------------------------- */

struct validators
validators_of(const struct head *h)
{
	const struct field *etag = head_find(h, FIELD_ETAG);
	struct validators v = {
		.last_modified_s = date_in(h, FIELD_LAST_MODIFIED),
		.date_s = date_in(h, FIELD_DATE),
	};

	if (etag && etag_is_valid(etag->value))
		v.etag = etag->value;
	return v;
}

static const struct validators none = {
	.last_modified_s = INT64_MIN, .date_s = INT64_MIN};

struct validators
validators_of_fields(struct str fields)
{
	struct head h;

	return fields_to_head(fields, 200, &h) ? validators_of(&h) : none;
}

bool
validators_date_is_strong(const struct validators *v)
{
	return v->last_modified_s != INT64_MIN && v->date_s != INT64_MIN &&
		v->date_s >= v->last_modified_s &&
		v->date_s - v->last_modified_s >= STRONG_AFTER_S;
}

/* --- which stored response another one speaks of -------------------------- */

bool
validators_match(
	const struct validators *stored, const struct validators *update)
{
	if (update->etag.p && etag_is_weak(update->etag))
		return etag_same_weak(stored->etag, update->etag);
	if (update->etag.p)
		return etag_same_strong(stored->etag, update->etag);
	return update->last_modified_s == INT64_MIN ||
		update->last_modified_s == stored->last_modified_s;
}

bool
validators_match_head(const struct validators *stored, uint64_t length,
	const struct head *update)
{
	const struct field *f = head_find(update, FIELD_CONTENT_LENGTH);
	struct validators v = validators_of(update);
	uint64_t n;

	if (f && (str_u64(f->value, UINT64_MAX, &n) || n != length))
		return false;
	if (v.etag.p && !etag_same_weak(stored->etag, v.etag))
		return false;
	if (v.last_modified_s != INT64_MIN)
		return v.last_modified_s == stored->last_modified_s;
	return v.etag.p;
}
