#include "proxy/news.h"

#include <endian.h>

#include "base/varint.h"

#define SIXTEENTHS 16.0
#define WORK_UNIT 1024.0

/* --- written -------------------------------------------------------------- */

static void
put64(struct buf *out, uint64_t v)
{
	v = htobe64(v);
	buf_append(out, (char *)&v, sizeof(v));
}

static void
put_rate(struct buf *out, double rate)
{
	double v = rate * SIXTEENTHS;

	varint_put(out, v < UINT32_MAX ? (uint32_t)v : UINT32_MAX);
}

static void
put_rates(struct buf *out, const struct demand_rate *r)
{
	put_rate(out, r->rate);
	put_rate(out, r->recent);
	put_rate(out, r->work / WORK_UNIT);
}

static void
put_key(struct buf *out, const struct demand_key *k)
{
	bool differs = k->key.digest != k->key.hash;

	put64(out, k->key.hash);
	varint_put(out, (uint64_t)k->r << 1 | differs);
	if (differs)
		put64(out, k->key.digest);
	varint_put(out, k->key.place);
	put_rates(out, &k->rate);
}

void
news_put(const struct news *n, struct buf *out)
{
	varint_put(out, n->number);
	varint_put(out, n->objects);
	varint_put(out, n->load);
	put_rate(out, n->in);
	varint_put(out, (uint64_t)n->wait_ms << 1 | n->link_is_scarce);
	put_rates(out, &n->all);
	varint_put(out, n->n);
	for (size_t i = 0; i < n->n; i++)
		put_key(out, &n->keys[i]);
}

/* --- and read ------------------------------------------------------------- */

/* What makes no sense leaves p NULL, and is 0. */
static uint64_t
take(struct str *in, uint64_t max)
{
	uint64_t v = 0;

	if (!in->p || !varint_take(in, max, &v))
		*in = (struct str){0};
	return v;
}

static uint64_t
take64(struct str *in)
{
	uint64_t v;

	if (!str_take(in, &v, sizeof(v))) {
		*in = (struct str){0};
		return 0;
	}
	return be64toh(v);
}

static double
take_rate(struct str *in)
{
	return (double)take(in, UINT32_MAX) / SIXTEENTHS;
}

static struct demand_rate
take_rates(struct str *in)
{
	struct demand_rate r = {.rate = take_rate(in)};

	r.recent = take_rate(in);
	r.work = take_rate(in) * WORK_UNIT;
	return r;
}

static void
take_key(struct str *in, struct demand_key *out)
{
	uint64_t r;

	*out = (struct demand_key){.key.hash = take64(in)};
	r = take(in, VIEW_MAX_NODES << 1 | 1);
	out->r = (unsigned)(r >> 1);
	out->key.digest = r & 1 ? take64(in) : out->key.hash;
	if (r & 1 && out->key.digest == out->key.hash)
		*in = (struct str){0}; /* that is said otherwise */
	out->key.place = (uint8_t)take(in, UINT8_MAX);
	out->rate = take_rates(in);
}

bool
news_parse(struct str payload, struct news *out)
{
	struct str in = payload;
	uint64_t wait;

	*out = (struct news){.number = take(&in, UINT64_MAX)};
	out->objects = take(&in, UINT64_MAX);
	out->load = (uint32_t)take(&in, UINT32_MAX);
	out->in = take_rate(&in);
	wait = take(&in, UINT16_MAX << 1 | 1);
	out->wait_ms = (uint16_t)(wait >> 1);
	out->link_is_scarce = wait & 1;
	out->all = take_rates(&in);
	out->n = take(&in, NEWS_KEYS);
	for (size_t i = 0; i < out->n && in.p; i++)
		take_key(&in, &out->keys[i]);
	return in.p && !in.n;
}
