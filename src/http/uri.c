#include "http/uri.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/check.h"
#include "http/span.h"

static struct str
str_from(struct str s, size_t at)
{
	return str_of(s.p + at, s.n - at);
}

static bool
ipv6_valid(struct str s)
{
	struct in6_addr addr;

	return char_all(s, CHAR_VISIBLE) && str_addr(s, AF_INET6, &addr);
}

/* Where the name at the start of s ends: labels between single dots; one more
 * dot may end it. 0: there is none. */
static size_t
name_end(struct str s)
{
	char before = '.';
	size_t n = 0;

	for (; n < s.n && char_is(s.p[n], CHAR_UNRESERVED); n++) {
		if (s.p[n] == '.' && before == '.')
			return 0;
		before = s.p[n];
	}
	return n <= 255 || (n == 256 && before == '.') ? n : 0;
}

/* What follows the host: nothing, ":" or ":port". */
static int
parse_port(struct str s, uint16_t *port)
{
	uint64_t v = 0;

	if (s.n && s.p[0] != ':')
		return -EINVAL;
	if (s.n > 1 && (str_u64(str_from(s, 1), UINT16_MAX, &v) || v == 0))
		return -EINVAL;
	*port = (uint16_t)v;
	return 0;
}

/* The same for an IPv6 address in brackets. */
static size_t
ipv6_end(struct str s)
{
	const char *end = memchr(s.p, ']', s.n);
	size_t n = end ? (size_t)(end - s.p) : 0;

	return n && ipv6_valid(str_of(s.p + 1, n - 1)) ? n + 1 : 0;
}

int
uri_parse_authority(struct str authority, struct str *host, uint16_t *port)
{
	size_t n = authority.n && authority.p[0] == '[' ? ipv6_end(authority)
							: name_end(authority);

	if (n == 0 || parse_port(str_from(authority, n), port))
		return -EINVAL;
	*host = str_of(authority.p, n);
	return 0;
}

/* A path, if there is one, and a query. Dots matter only where a segment of the
 * path begins, escapes everywhere. */
static int
parse_path(struct str s, struct uri *u)
{
	const char *question = NULL;

	u->normal = s.n && s.p[0] == '/';
	for (size_t at = 0; (at = span_plain(s, at)) < s.n; at++) {
		char c = s.p[at];

		if (c == '#' || !char_is(c, CHAR_VISIBLE))
			return -EINVAL;
		if (c == '?' && !question)
			question = s.p + at;
		else if (c == '%' ||
			(c == '.' && !question && at && s.p[at - 1] == '/'))
			u->normal = false;
	}
	u->path = s;
	if (question) {
		u->path.n = (size_t)(question - s.p);
		u->query = str_from(s, u->path.n + 1);
	}
	return 0;
}

/* s follows the scheme. */
static int
parse_absolute(struct str s, struct uri *u)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '/' && s.p[n] != '?')
		n++;
	u->form = URI_ABSOLUTE;
	if (uri_parse_authority(str_of(s.p, n), &u->host, &u->port))
		return -EINVAL;
	return parse_path(str_from(s, n), u);
}

/* Takes "http://" or "https://" off *s. */
static bool
take_scheme(struct str *s, bool *https)
{
	static const struct str schemes[] = {STR("http://"), STR("https://")};

	for (size_t i = 0; i < 2; i++) {
		size_t n = schemes[i].n;

		if (s->n < n || !str_ieq(str_of(s->p, n), schemes[i]))
			continue;
		*s = str_from(*s, n);
		*https = i;
		return true;
	}
	return false;
}

int
uri_parse_target(struct str target, struct uri *out)
{
	struct uri u = {.form = URI_ASTERISK};
	int r = 0;

	if (target.n == 0)
		return -EINVAL;
	if (target.p[0] == '/') {
		u.form = URI_ORIGIN;
		r = parse_path(target, &u);
	} else if (take_scheme(&target, &u.https)) {
		r = parse_absolute(target, &u);
	} else if (!str_eq(target, STR("*"))) {
		u.form = URI_AUTHORITY;
		r = uri_parse_authority(target, &u.host, &u.port);
		if (r == 0 && u.port == 0)
			r = -EINVAL;
	}
	if (r == 0)
		*out = u;
	return r;
}

/* The value of the escape at the start of s, or -1. */
static int
escape_value(struct str s)
{
	int high, low;

	if (s.n < 3)
		return -1;
	high = char_hex(s.p[1]);
	low = char_hex(s.p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static size_t
put(struct str s, char *o)
{
	if (s.n)
		memcpy(o, s.p, s.n);
	return s.n;
}

/* Writes the escape of byte v, or v itself if it needs none. */
static size_t
put_byte(unsigned char v, char *o)
{
	if (char_is((char)v, CHAR_UNRESERVED)) {
		o[0] = (char)v;
		return 1;
	}
	o[0] = '%';
	o[1] = "0123456789ABCDEF"[v >> 4];
	o[2] = "0123456789ABCDEF"[v & 15];
	return 3;
}

/*
 * Writes s to o with its escapes normalised; the number of bytes, never more
 * than s.n. An invalid escape ends this: what comes after it could otherwise
 * be decoded into the digits that it lacked ("%%341" is not "%41").
 */
static size_t
put_escaped(struct str s, char *o)
{
	const char *escape;
	size_t n = 0;

	while (s.n && (escape = memchr(s.p, '%', s.n))) {
		size_t plain = (size_t)(escape - s.p);
		int v = escape_value(str_from(s, plain));

		if (v < 0)
			break;
		n += put(str_of(s.p, plain), o + n);
		n += put_byte((unsigned char)v, o + n);
		s = str_from(s, plain + 3);
	}
	return n + put(s, o + n);
}

/* Writes the path without dot segments to o; the number of bytes, at most
 * path.n + 1. What is written always ends in '/' where a segment begins. */
static size_t
put_path(struct str path, char *o)
{
	struct str segment;
	size_t n = 1;

	o[0] = '/';
	if (path.n && path.p[0] == '/')
		path = str_from(path, 1);
	while (str_split(&path, '/', &segment)) {
		size_t len = put_escaped(segment, o + n);
		struct str done = str_of(o + n, len);

		if (str_eq(done, STR("."))) {
			continue;
		} else if (!str_eq(done, STR(".."))) {
			n += len;
			if (path.p)
				o[n++] = '/';
		} else if (n > 1) {
			while (o[n - 2] != '/')
				n--;
			n--;
		}
	}
	return n;
}

/* Eight bytes at once: bit 7 of each sum says that the byte's other bits are
 * those of 'A' or more, or of more than 'Z'. */
static uint64_t
lower_8(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t seven = v & 0x7f * ones;
	uint64_t upper = (seven + (0x80 - 'A') * ones) &
		~(seven + (0x7f - 'Z') * ones) & ~v & 0x80 * ones;

	return v | upper >> 2;
}

static size_t
put_lower(struct str s, char *o)
{
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, sizeof(v));
		v = lower_8(v);
		memcpy(o + i, &v, sizeof(v));
	}
	for (; i < s.n; i++)
		o[i] = char_lower(s.p[i]);
	return s.n;
}

static size_t
put_port(unsigned port, char *o)
{
	unsigned unit = 1;
	size_t n = 0;

	while (port / unit >= 10)
		unit *= 10;
	o[n++] = ':';
	for (; unit; unit /= 10)
		o[n++] = (char)('0' + port / unit % 10);
	return n;
}

static size_t
put_query(struct str query, bool normal, char *o)
{
	if (!query.p)
		return 0;
	o[0] = '?';
	return 1 + (normal ? put(query, o + 1) : put_escaped(query, o + 1));
}

size_t
uri_key(const struct uri *u, struct buf *out)
{
	char *o = buf_reserve(out, uri_key_most(u));
	struct str host = u->host;
	unsigned own_port = u->https ? 443 : 80;
	size_t n;

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	n = put(u->https ? STR("https://") : STR("http://"), o);
	n += put_lower(host, o + n);
	if (u->port && u->port != own_port)
		n += put_port(u->port, o + n);
	n += u->normal ? put(u->path, o + n) : put_path(u->path, o + n);
	n += put_query(u->query, u->normal, o + n);
	buf_commit(out, n);
	return n;
}

/* --- references ---------------------------------------------------------- */

/* Does s start with a scheme and its colon? */
static bool
has_scheme(struct str s)
{
	size_t n = 0;

	while (n < s.n && (char_is(s.p[n], CHAR_UNRESERVED) || s.p[n] == '+') &&
		s.p[n] != '_' && s.p[n] != '~')
		n++;
	return n && n < s.n && s.p[n] == ':';
}

/* The base's path up to the last slash, with the reference behind it. */
static void
put_merged(const struct uri *base, struct str reference, struct buf *out)
{
	struct str dir = base->path;

	while (dir.n && dir.p[dir.n - 1] != '/')
		dir.n--;
	buf_str(out, dir);
	buf_str(out, reference);
}

static void
put_scheme(const struct uri *base, struct buf *out)
{
	buf_z(out, base->https ? "https:" : "http:");
}

static void
put_origin(const struct uri *base, struct buf *out)
{
	put_scheme(base, out);
	buf_z(out, "//");
	buf_str(out, base->host);
	if (base->port)
		buf_printf(out, ":%u", base->port);
}

/* The reference as an absolute URI, not yet normalised. */
static void
put_absolute(const struct uri *base, struct str reference, struct buf *out)
{
	if (has_scheme(reference)) {
		buf_str(out, reference);
	} else if (str_starts(reference, STR("//"))) {
		put_scheme(base, out);
		buf_str(out, reference);
	} else {
		put_origin(base, out);
		if (str_starts(reference, STR("/"))) {
			buf_str(out, reference);
		} else if (str_starts(reference, STR("?"))) {
			buf_str(out, base->path);
			buf_str(out, reference);
		} else if (reference.n) {
			put_merged(base, reference, out);
		} else {
			buf_str(out, base->path);
			buf_z(out, base->query.p ? "?" : "");
			buf_str(out, base->query);
		}
	}
}

int
uri_resolve(struct str key, struct str reference, struct buf *out)
{
	struct str without_fragment = {0};
	struct buf absolute = {0};
	struct uri base, u;
	int r;

	if (uri_parse_target(key, &base) || base.form != URI_ABSOLUTE)
		return -EINVAL;
	(void)str_split(&reference, '#', &without_fragment);
	put_absolute(&base, without_fragment, &absolute);
	CHECK(absolute.p); /* something was put, whatever the reference */
	r = uri_parse_target(buf_view(&absolute), &u);
	if (r == 0 && u.form != URI_ABSOLUTE)
		r = -EINVAL;
	if (r == 0)
		uri_key(&u, out);
	buf_fini(&absolute);
	return r;
}
