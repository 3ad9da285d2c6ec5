#include "http/forwarded.h"

#include <errno.h>
#include <limits.h>

#include "http/char.h"

static void
put_quoted(struct str s, struct buf *out)
{
	buf_z(out, "\"");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_z(out, "\\");
		buf_append(out, s.p + i, 1);
	}
	buf_z(out, "\"");
}

static void
put_value(struct str s, struct buf *out)
{
	if (char_all(s, CHAR_TOKEN))
		buf_str(out, s);
	else
		put_quoted(s, out);
}

/* RFC 7239, 6: brackets around IPv6, and so quotes. */
static void
put_node(struct str s, struct buf *out)
{
	if (memchr(s.p, ':', s.n)) {
		buf_str(out, STR("\"["));
		buf_str(out, s);
		buf_str(out, STR("]\""));
	} else {
		put_value(s, out);
	}
}

void
forwarded_put(const struct forwarded *f, struct buf *out)
{
	const struct {
		struct str name;
		struct str value;
		void (*put)(struct str, struct buf *);
	} pairs[] = {
		{STR("for="), f->for_, put_node},
		{STR("by="), f->by, put_node},
		{STR("host="), f->host, put_value},
		{STR("proto="), f->proto, put_value},
	};
	bool more = false;

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].value.n == 0)
			continue;
		if (more)
			buf_str(out, STR(";"));
		buf_str(out, pairs[i].name);
		pairs[i].put(pairs[i].value, out);
		more = true;
	}
}

int
forwarded_hops_left(const struct head *request)
{
	const struct field *f = head_find(request, FIELD_MAX_FORWARDS);
	uint64_t n = INT_MAX;

	if (request->method != METHOD_OPTIONS &&
		request->method != METHOD_TRACE)
		return -1;
	if (!f || str_u64(f->value, INT_MAX, &n) == -EINVAL)
		return -1;
	return (int)n;
}
