/* See trace.h. */
#include "bench/trace.h"

#include "bench/clf.h"
#include "bench/home_ip.h"
#include "bench/squid.h"
#include "bench/target.h"

static const struct {
	const char *name;
	/* of formats of lines; NULL: binary */
	bool (*parse)(struct str line, struct trace_entry *out);
	bool many_servers;
} formats[] = {
	[TRACE_CLF] = {"clf", clf_parse, false},
	[TRACE_SQUID] = {"squid", squid_parse, true},
	[TRACE_HOME_IP] = {"home-ip", NULL, true},
};

bool
trace_request_line(struct str s, struct trace_entry *out)
{
	size_t sp = 0;

	while (sp < s.n && s.p[sp] != ' ')
		sp++;
	if (sp == 0 || sp == s.n)
		return false;
	for (size_t i = 0; i < sp; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	out->method = str_of(s.p, sp);
	out->target = str_trim(str_of(s.p + sp + 1, s.n - sp - 1));
	for (size_t i = out->target.n; i-- > 0;)
		if (out->target.p[i] == ' ') {
			struct str last = str_of(
				out->target.p + i + 1, out->target.n - i - 1);

			if (str_starts(last, STR("HTTP/")))
				out->target =
					str_trim(str_of(out->target.p, i));
			break;
		}
	return out->target.n > 0;
}

/* A line without its end; *used counts that too. */
static bool
take_line(struct str in, bool at_end, struct str *line, size_t *used)
{
	const char *end = in.n ? memchr(in.p, '\n', in.n) : NULL;

	if (!end && in.n < TRACE_ENTRY_MAX && !(at_end && in.n > 0))
		return false;
	*line = str_of(in.p, end ? (size_t)(end - in.p) : in.n);
	*used = line->n + (end ? 1 : 0);
	while (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

enum trace_result
trace_next(enum trace_format f, struct str in, bool at_end,
	struct trace_entry *out, size_t *used)
{
	struct str line;

	if (formats[f].parse) {
		if (!take_line(in, at_end, &line, used))
			return TRACE_MORE;
		return line.n < TRACE_ENTRY_MAX && formats[f].parse(line, out)
			? TRACE_ENTRY
			: TRACE_UNREADABLE;
	}
	enum trace_result r = home_ip_parse(in, out, used);
	if (r == TRACE_MORE && at_end && in.n > 0) {
		*used = in.n; /* a record that is cut off */
		r = TRACE_UNREADABLE;
	}
	return r;
}

static unsigned
count_readable(enum trace_format f, struct str in)
{
	struct trace_entry e;
	enum trace_result r;
	unsigned n = 0;
	size_t used;

	while ((r = trace_next(f, in, true, &e, &used)) != TRACE_MORE) {
		n += r == TRACE_ENTRY;
		in = str_of(in.p + used, in.n - used);
	}
	return n;
}

/* Numbers in network order have bytes that are zero; text has none. */
enum trace_format
trace_detect(struct str start)
{
	size_t n = start.n < HOME_IP_HEAD ? start.n : HOME_IP_HEAD;

	if (n > 0 && memchr(start.p, '\0', n))
		return TRACE_HOME_IP;
	return count_readable(TRACE_SQUID, start) >
			count_readable(TRACE_CLF, start)
		? TRACE_SQUID
		: TRACE_CLF;
}

bool
trace_format_named(struct str name, enum trace_format *out)
{
	for (unsigned i = 0; i < TRACE_FORMATS; i++)
		if (str_eq(name, str_z(formats[i].name))) {
			*out = i;
			return true;
		}
	return false;
}

bool
trace_target(enum trace_format f, const struct trace_entry *e, struct buf *out)
{
	if (!formats[f].many_servers)
		return target_sendable(e->target, out);
	return target_of_server(str_z(e->server), e->target, out);
}
