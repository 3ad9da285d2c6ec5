#include "proxy/news.h"

#include <endian.h>

#define SIXTEENTHS 16.0
#define WORK_UNIT 1024.0

enum { HEAD_BYTES = 38, KEY_BYTES = 30 };

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

static void
put_rates(struct buf *out, const struct demand_rate *r)
{
	put_rate(out, r->rate);
	put_rate(out, r->recent);
	put_rate(out, r->work / WORK_UNIT);
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

static uint8_t
take8(const char **p)
{
	return (uint8_t) * (*p)++;
}

static double
take_rate(const char **p)
{
	return take32(p) / SIXTEENTHS;
}

static struct demand_rate
take_rates(const char **p)
{
	struct demand_rate r = {.rate = take_rate(p)};

	r.recent = take_rate(p);
	r.work = take_rate(p) * WORK_UNIT;
	return r;
}

void
news_put(const struct news *n, struct buf *out)
{
	put64(out, n->number);
	put64(out, n->objects);
	put32(out, n->load);
	put_rate(out, n->in);
	put8(out, n->link_is_scarce);
	put_rates(out, &n->all);
	put8(out, (uint8_t)n->n);
	for (size_t i = 0; i < n->n; i++) {
		const struct demand_key *k = &n->keys[i];

		put64(out, k->key.hash);
		put64(out, k->key.digest);
		put8(out, k->key.place);
		put8(out, (uint8_t)k->r);
		put_rates(out, &k->rate);
	}
}

static bool
take_key(const char **p, struct demand_key *out)
{
	*out = (struct demand_key){.key.hash = take64(p)};
	out->key.digest = take64(p);
	out->key.place = take8(p);
	out->r = take8(p);
	out->rate = take_rates(p);
	return out->r <= VIEW_MAX_NODES;
}

bool
news_parse(struct str payload, struct news *out)
{
	const char *p = payload.p;
	uint8_t scarce;

	if (payload.n < HEAD_BYTES)
		return false;
	*out = (struct news){.number = take64(&p)};
	out->objects = take64(&p);
	out->load = take32(&p);
	out->in = take_rate(&p);
	scarce = take8(&p);
	out->link_is_scarce = scarce;
	out->all = take_rates(&p);
	out->n = take8(&p);
	if (scarce > 1 || out->n > NEWS_KEYS ||
		payload.n != HEAD_BYTES + out->n * KEY_BYTES)
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (!take_key(&p, &out->keys[i]))
			return false;
	return true;
}
