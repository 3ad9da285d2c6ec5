/* See squid.h. */
#include "bench/squid.h"

/* The next field; what follows the last one is empty. */
static struct str
next_field(struct str *line)
{
	size_t from = 0, to;

	while (from < line->n && line->p[from] == ' ')
		from++;
	to = from;
	while (to < line->n && line->p[to] != ' ')
		to++;
	struct str field = str_of(line->p + from, to - from);
	*line = str_of(line->p + to, line->n - to);
	return field;
}

/* "848278028.829" */
static bool
is_time(struct str s)
{
	struct str seconds;
	uint64_t n;

	return str_split(&s, '.', &seconds) && s.p &&
		str_u64(seconds, INT64_MAX, &n) == 0 &&
		str_u64(s, 999999, &n) == 0;
}

/* "TCP_MISS/200" */
static bool
parse_status(struct str s, unsigned *out)
{
	struct str code;
	uint64_t status;

	if (!str_split(&s, '/', &code) || code.n == 0 || s.n != 3 ||
		str_u64(s, 999, &status) < 0 || (status > 0 && status < 100))
		return false;
	*out = (unsigned)status;
	return true;
}

static bool
is_method(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 'A' || s.p[i] > 'Z') && s.p[i] != '_')
			return false;
	return s.n > 0;
}

bool
squid_parse(struct str line, struct trace_entry *out)
{
	struct trace_entry e = {0};

	if (!is_time(next_field(&line)))
		return false;
	(void)next_field(&line); /* elapsed, which may be negative */
	if (next_field(&line).n == 0 ||
		!parse_status(next_field(&line), &e.status) ||
		str_u64(next_field(&line), INT64_MAX, &e.bytes) < 0)
		return false;
	e.method = next_field(&line);
	e.target = next_field(&line);
	if (!is_method(e.method) || e.target.n == 0)
		return false;
	*out = e;
	return true;
}
