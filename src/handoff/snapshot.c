#include "handoff/snapshot.h"

#include <string.h>

#include "base/varint.h"

enum {
	FORM = 3,
	SACK = 1,
	TIMESTAMPS = 2,
	WSCALE = 4,
	V6 = 8,
	FLAGS = SACK | TIMESTAMPS | WSCALE | V6,
	WSCALE_MAX = 14,
};

/* --- written -------------------------------------------------------------- */

static void
put16(struct buf *out, uint16_t v)
{
	v = htons(v);
	buf_append(out, &v, sizeof(v));
}

static void
put32(struct buf *out, uint32_t v)
{
	v = htonl(v);
	buf_append(out, &v, sizeof(v));
}

static void
put_addr(struct buf *out, const struct in6_addr *a, bool v6)
{
	if (v6)
		buf_append(out, a->s6_addr, 16);
	else
		buf_append(out, &a->s6_addr[12], 4);
}

void
snapshot_put(const struct snapshot *s, struct buf *out)
{
	bool v6 = !addr_is_v4(&s->client);
	uint8_t first[] = {
		FORM,
		(uint8_t)((s->sack ? SACK : 0) |
			(s->timestamps ? TIMESTAMPS : 0) |
			(s->wscale_ok ? WSCALE : 0) | (v6 ? V6 : 0)),
		(uint8_t)(s->snd_wscale << 4 | s->rcv_wscale),
	};

	buf_append(out, first, sizeof(first));
	put_addr(out, &s->client, v6);
	put_addr(out, &s->local, v6);
	put16(out, s->client_port);
	put16(out, s->local_port);
	put16(out, s->mss);
	put32(out, s->snd_nxt);
	put32(out, s->rcv_nxt);
	if (s->timestamps) {
		put32(out, s->clock);
		put32(out, s->stamp);
	}
	varint_put(out, s->snd_wnd);
	varint_put(out, s->max_window - s->snd_wnd);
	varint_put(out, s->rcv_wnd);
	varint_put(out, s->rcv_nxt - s->snd_wl1);
	varint_put(out, s->rcv_nxt - s->rcv_wup);
	varint_put(out, s->cwnd);
	varint_put(out, s->rtt_us);
}

/* --- and read ------------------------------------------------------------- */

/* What there is not is zero, and leaves p NULL. */
static void
take(struct str *in, void *out, size_t n)
{
	if (in->p && str_take(in, out, n))
		return;
	in->p = NULL;
	memset(out, 0, n);
}

static uint8_t
take8(struct str *in)
{
	uint8_t v;

	take(in, &v, sizeof(v));
	return v;
}

static uint16_t
take16(struct str *in)
{
	uint16_t v;

	take(in, &v, sizeof(v));
	return ntohs(v);
}

static uint32_t
take32(struct str *in)
{
	uint32_t v;

	take(in, &v, sizeof(v));
	return ntohl(v);
}

static uint32_t
take_varint(struct str *in)
{
	uint64_t v = 0;

	if (!in->p || !varint_take(in, UINT32_MAX, &v))
		in->p = NULL;
	return (uint32_t)v;
}

static void
take_addr(struct str *in, bool v6, struct in6_addr *out)
{
	struct in_addr v4;

	if (v6) {
		take(in, out, sizeof(*out));
	} else {
		take(in, &v4, sizeof(v4));
		*out = addr_mapped(v4);
	}
}

/* False: of a form that is not ours. */
static bool
take_first(struct str *in, struct snapshot *s, bool *v6)
{
	uint8_t form = take8(in), flags = take8(in), scales = take8(in);

	s->sack = flags & SACK;
	s->timestamps = flags & TIMESTAMPS;
	s->wscale_ok = flags & WSCALE;
	s->snd_wscale = scales >> 4;
	s->rcv_wscale = scales & 15;
	*v6 = flags & V6;
	return form == FORM && !(flags & ~FLAGS);
}

static void
take_windows(struct str *in, struct snapshot *s)
{
	s->snd_wnd = take_varint(in);
	s->max_window = s->snd_wnd + take_varint(in);
	s->rcv_wnd = take_varint(in);
	s->snd_wl1 = s->rcv_nxt - take_varint(in);
	s->rcv_wup = s->rcv_nxt - take_varint(in);
	s->cwnd = take_varint(in);
	s->rtt_us = take_varint(in);
}

static bool
makes_sense(const struct snapshot *s, bool v6)
{
	return s->snd_wscale <= WSCALE_MAX && s->rcv_wscale <= WSCALE_MAX &&
		s->client_port && s->mss && addr_is_v4(&s->client) == !v6 &&
		addr_is_v4(&s->local) == !v6;
}

bool
snapshot_take(struct str *in, struct snapshot *out)
{
	struct snapshot s = {0};
	struct str rest = *in;
	bool v6;

	if (!take_first(&rest, &s, &v6))
		return false;
	take_addr(&rest, v6, &s.client);
	take_addr(&rest, v6, &s.local);
	s.client_port = take16(&rest);
	s.local_port = take16(&rest);
	s.mss = take16(&rest);
	s.snd_nxt = take32(&rest);
	s.rcv_nxt = take32(&rest);
	if (s.timestamps) {
		s.clock = take32(&rest);
		s.stamp = take32(&rest);
	}
	take_windows(&rest, &s);
	if (!rest.p || !makes_sense(&s, v6))
		return false;
	*in = rest;
	*out = s;
	return true;
}

size_t
snapshot_primer(const struct snapshot *s, const uint8_t mac[ETH_ALEN],
	uint8_t out[PRIMER_MAX])
{
	uint32_t window = s->snd_wnd >> s->snd_wscale;
	struct segment ack = {
		.kind = SEGMENT_ACK,
		.from = s->client,
		.to = s->local,
		.from_port = s->client_port,
		.to_port = s->local_port,
		.seq = s->rcv_nxt,
		.ack = s->snd_nxt,
		.window = (uint16_t)(window < 0xffff ? window : 0xffff),
		.timestamps = s->timestamps,
		.stamp = s->stamp,
		.echo = s->clock,
	};
	struct ethhdr eth = {
		.h_proto =
			htons(addr_is_v4(&s->client) ? ETH_P_IP : ETH_P_IPV6)};

	memcpy(eth.h_dest, mac, ETH_ALEN);
	memcpy(out, &eth, sizeof(eth));
	return sizeof(eth) + segment_put(&ack, out + sizeof(eth));
}
