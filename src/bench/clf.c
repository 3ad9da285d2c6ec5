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
parse_result(struct str s, struct clf_line *out)
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

/* `METHOD target HTTP/1.0`; the version may be missing, as in HTTP/0.9 */
static bool
parse_request(struct str s, struct clf_line *out)
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

bool
clf_parse(struct str line, struct clf_line *out)
{
	struct clf_line l = {0};
	struct str request = after(after(line, ']'), '"'), rest = request;

	/* The closing quote is the first one that a result follows. */
	while ((rest = after(rest, '"')).p)
		if (parse_result(rest, &l)) {
			request.n = (size_t)(rest.p - 1 - request.p);
			if (!parse_request(request, &l))
				return false;
			*out = l;
			return true;
		}
	return false;
}

static int
hex_value(char c)
{
	if (char_is_digit(c))
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at s.p[i], decoded if it is an escape; *len is 3 then, else 1. */
static unsigned char
byte_at(struct str s, size_t i, size_t *len)
{
	*len = 1;
	if (s.p[i] == '%' && i + 2 < s.n) {
		int hi = hex_value(s.p[i + 1]), lo = hex_value(s.p[i + 2]);

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
is_plain(char c)
{
	return char_is_digit(c) ||
		(char_lower(c) >= 'a' && char_lower(c) <= 'z') ||
		(c && strchr("-._~!$&'()*+,;=:@/?", c));
}

/* "http://host/path" -> "/path"; an empty slice when there is no path */
static struct str
origin_form(struct str target)
{
	if (str_starts(target, STR("http://"))) {
		struct str rest = str_of(target.p + 7, target.n - 7);
		const char *slash = memchr(rest.p, '/', rest.n);

		if (!slash)
			return str_of(NULL, 0);
		return str_of(slash, rest.n - (size_t)(slash - rest.p));
	}
	return target;
}

bool
clf_sendable(struct str logged, struct buf *out)
{
	struct str target = origin_form(logged), rest = target, path;
	size_t len;

	if (target.n == 0 || target.p[0] != '/' || target.n > CLF_TARGET_MAX)
		return false;
	if (!str_split(&rest, '?', &path) || is_hostile(path))
		return false;
	for (size_t i = 0; i < target.n; i += len) {
		unsigned char c = byte_at(target, i, &len);

		if (len == 3 || is_plain((char)c))
			buf_append(out, target.p + i, len);
		else
			buf_printf(out, "%%%02X", c);
	}
	return true;
}
