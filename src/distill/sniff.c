#include "distill/sniff.h"

/* A cursor that is never past the end. */
static bool
skip(struct str *s, size_t n)
{
	if (s->n < n)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

static unsigned
byte(struct str s, size_t i)
{
	return (unsigned char)s.p[i];
}

static uint32_t
be16(struct str s, size_t i)
{
	return byte(s, i) << 8 | byte(s, i + 1);
}

static uint32_t
le16(struct str s, size_t i)
{
	return byte(s, i + 1) << 8 | byte(s, i);
}

static uint32_t
le24(struct str s, size_t i)
{
	return byte(s, i + 2) << 16 | le16(s, i);
}

static uint32_t
be32(struct str s, size_t i)
{
	return be16(s, i) << 16 | be16(s, i + 2);
}

/* --- JPEG (ITU-T T.81, B): the frame header among the markers ------------- */

static bool
is_frame(unsigned marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
		marker != 0xc8 && marker != 0xcc;
}

static bool
jpeg(struct str s, struct sniff *out)
{
	if (!skip(&s, 2))
		return false;
	while (s.n >= 4 && byte(s, 0) == 0xff) {
		unsigned marker = byte(s, 1);
		uint32_t length;

		if (marker == 0xff) { /* fill */
			(void)skip(&s, 1);
			continue;
		}
		length = be16(s, 2);
		if (is_frame(marker)) {
			if (s.n < 9)
				return false;
			out->height = be16(s, 5);
			out->width = be16(s, 7);
			return true;
		}
		if (length < 2 || marker == 0xda || !skip(&s, 2 + length))
			return false;
	}
	return false;
}

/* --- PNG (11.2.2), and whether it is an APNG ------------------------------ */

static bool
png(struct str s, struct sniff *out)
{
	if (s.n < 24 || memcmp(s.p + 12, "IHDR", 4) != 0)
		return false;
	out->width = be32(s, 16);
	out->height = be32(s, 20);
	if (!skip(&s, 8))
		return false;
	while (s.n >= 8 && memcmp(s.p + 4, "IDAT", 4) != 0) {
		if (memcmp(s.p + 4, "acTL", 4) == 0)
			out->moving = true;
		if (!skip(&s, 12 + (size_t)be32(s, 0)))
			break;
	}
	return true;
}

/* --- GIF ------------------------------------------------------------------ */

static bool
gif(struct str s, struct sniff *out)
{
	if (s.n < 10)
		return false;
	out->width = le16(s, 6);
	out->height = le16(s, 8);
	return true;
}

/* --- WebP (RFC 9649) ------------------------------------------------------ */

static bool
webp(struct str s, struct sniff *out)
{
	if (s.n < 30)
		return false;
	if (memcmp(s.p + 12, "VP8 ", 4) == 0) {
		out->width = le16(s, 26) & 0x3fff;
		out->height = le16(s, 28) & 0x3fff;
	} else if (memcmp(s.p + 12, "VP8L", 4) == 0) {
		uint32_t bits = le24(s, 21) | byte(s, 24) << 24;

		out->width = (bits & 0x3fff) + 1;
		out->height = (bits >> 14 & 0x3fff) + 1;
	} else if (memcmp(s.p + 12, "VP8X", 4) == 0) {
		out->moving = byte(s, 20) & 2;
		out->width = le24(s, 24) + 1;
		out->height = le24(s, 27) + 1;
	} else {
		return false;
	}
	return true;
}

static const struct {
	enum image_type type;
	struct str magic;
	bool (*size)(struct str s, struct sniff *out);
} kinds[] = {
	{TYPE_JPEG, {"\xff\xd8\xff", 3}, jpeg},
	{TYPE_PNG, {"\x89PNG\r\n\x1a\n", 8}, png},
	{TYPE_GIF, {"GIF87a", 6}, gif},
	{TYPE_GIF, {"GIF89a", 6}, gif},
	{TYPE_WEBP, {"RIFF", 4}, webp},
};

bool
sniff(struct str in, struct sniff *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sniff s = {.type = kinds[i].type};

		if (!str_starts(in, kinds[i].magic))
			continue;
		if (s.type == TYPE_WEBP &&
			(in.n < 12 || memcmp(in.p + 8, "WEBP", 4) != 0))
			continue;
		if (!kinds[i].size(in, &s) || !s.width || !s.height)
			return false;
		*out = s;
		return true;
	}
	return false;
}
