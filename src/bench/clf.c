/* See clf.h. */
#include "bench/clf.h"

/* s from the first c on, without c itself; p == NULL when there is none */
static struct str
after(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	if (!at)
		return (struct str){NULL, 0};
	return str_of(at + 1, s.n - (size_t)(at + 1 - s.p));
}

/* ` 200 1713` or ` 304 -`, at the end of the line or before a space */
static bool
parse_result(struct str s, struct trace_entry *out)
{
	struct str part;
	uint64_t status, bytes = 0;

	if (!str_split(&s, ' ', &part) || part.n != 0)
		return false;
	if (!str_split(&s, ' ', &part) || part.n != 3)
		return false;
	if (str_u64(part, 999, &status) < 0 || status < 100)
		return false;
	if (!str_split(&s, ' ', &part))
		return false;
	if (!str_eq(part, STR("-")) && str_u64(part, INT64_MAX, &bytes) < 0)
		return false;
	out->status = (unsigned)status;
	out->bytes = bytes;
	return true;
}

bool
clf_parse(struct str line, struct trace_entry *out)
{
	struct trace_entry l = {0};
	struct str request = after(after(line, ']'), '"'), rest = request;

	/* The closing quote is the first one that a result follows. */
	while ((rest = after(rest, '"')).p)
		if (parse_result(rest, &l)) {
			request.n = (size_t)(rest.p - 1 - request.p);
			if (!trace_request_line(request, &l))
				return false;
			*out = l;
			return true;
		}
	return false;
}
