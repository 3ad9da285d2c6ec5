#include "net/proxyproto.h"

static struct str
from(struct str s, size_t at)
{
	return str_of(s.p + at, s.n - at);
}

/* Is s, as far as it has come, the start of the prefix; or does it have it? */
static bool
may_start(struct str s, struct str prefix)
{
	size_t n = s.n < prefix.n ? s.n : prefix.n;

	return n == 0 || memcmp(s.p, prefix.p, n) == 0;
}

/* --- version 1: a line ------------------------------------------------------
 */

static bool
parse_port(struct str s, uint16_t *port)
{
	uint64_t v;

	if (str_u64(s, UINT16_MAX, &v) || (s.n > 1 && s.p[0] == '0'))
		return false;
	*port = (uint16_t)v;
	return true;
}

/* SOURCE SP DESTINATION SP PORT SP PORT. Of addresses inet_pton() takes neither
 * zeros in front of a number nor blanks. */
static bool
parse_ends(struct str rest, int af, struct proxyproto *p)
{
	struct proxyproto_end *s = &p->source, *d = &p->destination;
	struct str part[4];

	for (unsigned i = 0; i < 4; i++)
		if (!str_split(&rest, ' ', &part[i]))
			return false;
	return !rest.p &&
		str_addr(
			part[0], af, af == AF_INET ? (void *)&s->v4 : &s->v6) &&
		str_addr(
			part[1], af, af == AF_INET ? (void *)&d->v4 : &d->v6) &&
		parse_port(part[2], &s->port) && parse_port(part[3], &d->port);
}

/* What follows "PROXY ", without the CRLF. */
static bool
parse_line(struct str rest, struct proxyproto *p)
{
	struct str protocol;

	(void)str_split(&rest, ' ', &protocol);
	if (str_eq(protocol, STR("UNKNOWN")))
		return true; /* whatever else it says */
	if (str_eq(protocol, STR("TCP4"))) {
		p->family = PROXYPROTO_IPV4;
		return parse_ends(rest, AF_INET, p);
	}
	p->family = PROXYPROTO_IPV6;
	return str_eq(protocol, STR("TCP6")) && parse_ends(rest, AF_INET6, p);
}

static enum proxyproto_result
parse_v1(struct str in, struct str prefix, struct proxyproto *out)
{
	size_t most = in.n < PROXYPROTO_MAX_LINE ? in.n : PROXYPROTO_MAX_LINE;
	const char *cr = memchr(in.p, '\r', most);
	const char *lf = memchr(in.p, '\n', most);
	struct proxyproto p = {0};
	size_t n;

	if (!lf)
		return most == PROXYPROTO_MAX_LINE ? PROXYPROTO_BAD
						   : PROXYPROTO_MORE;
	n = (size_t)(lf - in.p) - 1;
	if (cr != lf - 1 || n < prefix.n ||
		!parse_line(str_of(in.p + prefix.n, n - prefix.n), &p))
		return PROXYPROTO_BAD;
	p.bytes = n + 2;
	*out = p;
	return PROXYPROTO_DONE;
}

/* --- version 2: a block ------------------------------------------------------
 */

enum {
	V2_FIXED = 16, /* bytes: signature, command, family, length */
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_PATH = 108, /* bytes of a path, with zeros behind it */
	TLV_HEAD = 3,  /* bytes: type, length */
	TLV_CRC32C = 3,
	TLV_SSL = 32,
	SSL_FIXED = 5,	/* bytes: client, verify */
	SSL_CLIENT = 1, /* in client: it came over TLS */
};

static unsigned
byte_at(struct str s, size_t at)
{
	return (unsigned char)s.p[at];
}

static uint16_t
be16_at(struct str s, size_t at)
{
	return (uint16_t)(byte_at(s, at) << 8 | byte_at(s, at + 1));
}

/* Goes on from crc, which is ~0 at the start; its complement is the sum. */
static uint32_t
crc32c(uint32_t crc, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		crc ^= byte_at(s, i);
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* The sum over the header, with zeros for the sum itself, which is at `at`. */
static bool
crc_fits(struct str header, size_t at)
{
	uint32_t said =
		(uint32_t)be16_at(header, at) << 16 | be16_at(header, at + 2);
	uint32_t crc = crc32c(UINT32_MAX, str_of(header.p, at));

	crc = crc32c(crc, str_of("\0\0\0\0", 4));
	return ~crc32c(crc, from(header, at + 4)) == said;
}

/* A field whose n bytes begin at `at`. */
static bool
read_tlv(struct str header, unsigned type, size_t at, size_t n,
	struct proxyproto *p)
{
	switch (type) {
	case TLV_CRC32C: return n == 4 && crc_fits(header, at);
	case TLV_SSL:
		if (n < SSL_FIXED)
			return false;
		p->tls = byte_at(header, at) & SSL_CLIENT;
		return true;
	default: return true;
	}
}

/* The fields from `at` on; false unless they end where the header ends. */
static bool
read_tlvs(struct str header, size_t at, struct proxyproto *p)
{
	while (at < header.n) {
		size_t left = header.n - at, n;

		if (left < TLV_HEAD)
			return false;
		n = be16_at(header, at + 1);
		if (n > left - TLV_HEAD ||
			!read_tlv(header, byte_at(header, at), at + TLV_HEAD, n,
				p))
			return false;
		at += TLV_HEAD + n;
	}
	return true;
}

static void
read_path(struct str header, size_t at, struct proxyproto_end *end)
{
	end->path = str_of(header.p + at, strnlen(header.p + at, V2_PATH));
}

static void
read_ends(struct str header, struct proxyproto *p)
{
	struct proxyproto_end *s = &p->source, *d = &p->destination;
	const char *block = header.p + V2_FIXED;

	if (p->family == PROXYPROTO_UNIX) {
		read_path(header, V2_FIXED, s);
		read_path(header, V2_FIXED + V2_PATH, d);
		return;
	}
	if (p->family == PROXYPROTO_IPV4) {
		memcpy(&s->v4, block, 4);
		memcpy(&d->v4, block + 4, 4);
	} else {
		memcpy(&s->v6, block, 16);
		memcpy(&d->v6, block + 16, 16);
	}
	s->port = be16_at(header, p->family == PROXYPROTO_IPV4 ? 24 : 48);
	d->port = be16_at(header, p->family == PROXYPROTO_IPV4 ? 26 : 50);
}

/* The family from the byte that has it, and the bytes of its addresses; false
 * if none is defined so. Stream or datagram is all the same to us. */
static bool
read_family(unsigned byte, enum proxyproto_family *family, size_t *bytes)
{
	static const struct {
		enum proxyproto_family family;
		size_t bytes;
	} of[] = {
		[1] = {PROXYPROTO_IPV4, 2 * 4 + 2 * 2},
		[2] = {PROXYPROTO_IPV6, 2 * 16 + 2 * 2},
		[3] = {PROXYPROTO_UNIX, 2 * V2_PATH},
	};
	unsigned high = byte >> 4, transport = byte & 15;

	if (high < 1 || high > 3 || transport < 1 || transport > 2)
		return false;
	*family = of[high].family;
	*bytes = of[high].bytes;
	return true;
}

static enum proxyproto_result
parse_v2(struct str in, struct proxyproto *out)
{
	struct proxyproto p = {0};
	struct str header;
	size_t addresses;

	if (in.n < V2_FIXED)
		return PROXYPROTO_MORE;
	if (byte_at(in, 12) != V2_LOCAL && byte_at(in, 12) != V2_PROXY)
		return PROXYPROTO_BAD;
	p.local = byte_at(in, 12) == V2_LOCAL;
	p.bytes = V2_FIXED + (size_t)be16_at(in, 14);
	if (p.bytes > PROXYPROTO_MAX_BYTES)
		return PROXYPROTO_BAD;
	if (in.n < p.bytes)
		return PROXYPROTO_MORE;
	header = str_of(in.p, p.bytes);
	if (!p.local && byte_at(in, 13) != 0) {
		if (!read_family(byte_at(in, 13), &p.family, &addresses) ||
			p.bytes < V2_FIXED + addresses ||
			!read_tlvs(header, V2_FIXED + addresses, &p))
			return PROXYPROTO_BAD;
		read_ends(header, &p);
	}
	*out = p;
	return PROXYPROTO_DONE;
}

enum proxyproto_result
proxyproto_parse(struct str in, struct proxyproto *out)
{
	static const struct str line = STR("PROXY ");
	static const struct str signature = STR("\r\n\r\n\0\r\nQUIT\n");

	if (in.n == 0)
		return PROXYPROTO_MORE;
	if (may_start(in, signature))
		return parse_v2(in, out);
	return may_start(in, line) ? parse_v1(in, line, out) : PROXYPROTO_BAD;
}
