#include "proxy/news.h"

#include <endian.h>

#define SIXTEENTHS 16.0

enum { HEAD_BYTES = 28, KEY_BYTES = 13 };

static void
put64(struct buf *out, uint64_t v)
{
	v = htobe64(v);
	buf_append(out, (char *)&v, sizeof(v));
}

static void
put32(struct buf *out, uint32_t v)
{
	v = htobe32(v);
	buf_append(out, (char *)&v, sizeof(v));
}

static void
put8(struct buf *out, uint8_t v)
{
	buf_append(out, (char *)&v, sizeof(v));
}

static void
put_rate(struct buf *out, double rate)
{
	double v = rate * SIXTEENTHS;

	put32(out, v < UINT32_MAX ? (uint32_t)v : UINT32_MAX);
}

static uint64_t
take64(const char **p)
{
	uint64_t v;

	memcpy(&v, *p, sizeof(v));
	*p += sizeof(v);
	return be64toh(v);
}

static uint32_t
take32(const char **p)
{
	uint32_t v;

	memcpy(&v, *p, sizeof(v));
	*p += sizeof(v);
	return be32toh(v);
}

void
news_put(const struct news *n, struct buf *out)
{
	put64(out, n->number);
	put_rate(out, n->rate);
	put64(out, n->objects);
	put32(out, n->load);
	put32(out, (uint32_t)n->n);
	for (size_t i = 0; i < n->n; i++) {
		put64(out, n->keys[i].key);
		put_rate(out, n->keys[i].rate);
		put8(out, (uint8_t)n->keys[i].r);
	}
}

bool
news_parse(struct str payload, struct news *out)
{
	const char *p = payload.p;

	if (payload.n < HEAD_BYTES)
		return false;
	*out = (struct news){.number = take64(&p)};
	out->rate = take32(&p) / SIXTEENTHS;
	out->objects = take64(&p);
	out->load = take32(&p);
	out->n = take32(&p);
	if (out->n > NEWS_KEYS || payload.n != HEAD_BYTES + out->n * KEY_BYTES)
		return false;
	for (size_t i = 0; i < out->n; i++) {
		out->keys[i].key = take64(&p);
		out->keys[i].rate = take32(&p) / SIXTEENTHS;
		out->keys[i].r = (uint8_t)*p++;
		if (out->keys[i].r > VIEW_MAX_NODES)
			return false;
	}
	return true;
}
