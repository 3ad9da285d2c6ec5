/* See target.h. */
#include "bench/target.h"

#include "http/char.h"

/* The byte at s.p[i], decoded if it is an escape; *len is 3 then, else 1. */
static unsigned char
byte_at(struct str s, size_t i, size_t *len)
{
	*len = 1;
	if (s.p[i] == '%' && i + 2 < s.n) {
		int hi = char_hex(s.p[i + 1]), lo = char_hex(s.p[i + 2]);

		if (hi >= 0 && lo >= 0) {
			*len = 3;
			return (unsigned char)(hi * 16 + lo);
		}
	}
	return (unsigned char)s.p[i];
}

/* Whether "..", decoded, leads above the root, or a zero byte is inside. */
static bool
is_hostile(struct str path)
{
	int depth = 0;
	size_t dots = 0, others = 0, len;

	for (size_t i = 0; i <= path.n; i += len) {
		unsigned char c = '/';

		len = 1;
		if (i < path.n)
			c = byte_at(path, i, &len);
		if (c == 0)
			return true;
		if (c == '.') {
			dots++;
		} else if (c != '/') {
			others++;
		} else {
			if (others > 0 || dots > 2)
				depth++;
			else if (dots == 2 && --depth < 0)
				return true;
			dots = others = 0;
		}
	}
	return false;
}

static bool
is_alnum(char c)
{
	return char_is_digit(c) ||
		(char_lower(c) >= 'a' && char_lower(c) <= 'z');
}

static bool
is_plain(char c)
{
	return is_alnum(c) || (c && strchr("-._~!$&'()*+,;=:@/?", c));
}

/* "http://host/path" into "host" and "/path", which may be empty slices. */
static bool
split_absolute(struct str target, struct str *host, struct str *path)
{
	size_t scheme = str_starts(target, STR("http://")) ? 7
		: str_starts(target, STR("https://"))	   ? 8
							   : 0;

	if (scheme == 0)
		return false;
	*host = str_of(target.p + scheme, target.n - scheme);
	const char *end = host->n ? memchr(host->p, '/', host->n) : NULL;
	*path = str_of(NULL, 0);
	if (end) {
		*path = str_of(end, host->n - (size_t)(end - host->p));
		host->n -= path->n;
	}
	return true;
}

static void
append_encoded(struct buf *out, struct str s)
{
	size_t len;

	for (size_t i = 0; i < s.n; i += len) {
		unsigned char c = byte_at(s, i, &len);

		if (len == 3 || is_plain((char)c))
			buf_append(out, s.p + i, len);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* Of a path, perhaps with a query. */
static bool
is_fit(struct str path)
{
	struct str rest = path, before_query;

	(void)str_split(&rest, '?', &before_query);
	return path.n > 0 && path.n <= TARGET_MAX && !is_hostile(before_query);
}

static bool
is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_plain(s.p[i]) || (i > 0 && strchr("/?@", s.p[i])))
			return false;
	return s.n > 0 && s.n <= TARGET_MAX && is_alnum(s.p[0]);
}

bool
target_sendable(struct str logged, struct buf *out)
{
	struct str host, path = logged;

	(void)split_absolute(logged, &host, &path);
	if (!is_fit(path) || path.p[0] != '/')
		return false;
	append_encoded(out, path);
	return true;
}

bool
target_of_server(struct str server, struct str logged, struct buf *out)
{
	struct str host = server, path = logged;

	(void)split_absolute(logged, &host, &path);
	if (path.n == 0)
		path = STR("/");
	if (!is_host(host) || !is_fit(path))
		return false;
	buf_z(out, "/");
	buf_str(out, host);
	if (path.p[0] != '/')
		buf_z(out, "/");
	append_encoded(out, path);
	return true;
}
