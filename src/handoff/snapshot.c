#include "handoff/snapshot.h"

#include <assert.h>
#include <string.h>

enum { FORM = 2, SACK = 1, TIMESTAMPS = 2, WSCALE = 4, WSCALE_MAX = 14 };

struct bytes {
	uint8_t form, flags, snd_wscale, rcv_wscale;
	struct in6_addr client, local;
	uint16_t client_port, local_port, mss, zero;
	uint32_t word[13]; /* the last two are zero */
};

static_assert(sizeof(struct bytes) == SNAPSHOT_BYTES, "it is sent as it is");

void
snapshot_put(const struct snapshot *s, char out[SNAPSHOT_BYTES])
{
	struct bytes b = {
		.form = FORM,
		.flags = (uint8_t)((s->sack ? SACK : 0) |
			(s->timestamps ? TIMESTAMPS : 0) |
			(s->wscale_ok ? WSCALE : 0)),
		.snd_wscale = s->snd_wscale,
		.rcv_wscale = s->rcv_wscale,
		.client = s->client,
		.local = s->local,
		.client_port = htons(s->client_port),
		.local_port = htons(s->local_port),
		.mss = htons(s->mss),
		.word = {htonl(s->snd_nxt), htonl(s->rcv_nxt), htonl(s->clock),
			htonl(s->stamp), htonl(s->snd_wl1), htonl(s->snd_wnd),
			htonl(s->max_window), htonl(s->rcv_wnd),
			htonl(s->rcv_wup), htonl(s->cwnd), htonl(s->rtt_us)},
	};

	memcpy(out, &b, sizeof(b));
}

static bool
makes_sense(const struct bytes *b)
{
	return b->form == FORM && !b->zero && b->snd_wscale <= WSCALE_MAX &&
		b->rcv_wscale <= WSCALE_MAX && b->client_port && b->mss &&
		addr_is_v4(&b->client) == addr_is_v4(&b->local);
}

bool
snapshot_take(struct str *in, struct snapshot *out)
{
	struct bytes b;

	if (in->n < sizeof(b))
		return false;
	memcpy(&b, in->p, sizeof(b));
	if (!makes_sense(&b))
		return false;
	*in = str_of(in->p + sizeof(b), in->n - sizeof(b));
	for (size_t i = 0; i < sizeof(b.word) / sizeof(b.word[0]); i++)
		b.word[i] = ntohl(b.word[i]);
	*out = (struct snapshot){
		.client = b.client,
		.local = b.local,
		.client_port = ntohs(b.client_port),
		.local_port = ntohs(b.local_port),
		.sack = b.flags & SACK,
		.timestamps = b.flags & TIMESTAMPS,
		.wscale_ok = b.flags & WSCALE,
		.snd_wscale = b.snd_wscale,
		.rcv_wscale = b.rcv_wscale,
		.mss = ntohs(b.mss),
		.snd_nxt = b.word[0],
		.rcv_nxt = b.word[1],
		.clock = b.word[2],
		.stamp = b.word[3],
		.snd_wl1 = b.word[4],
		.snd_wnd = b.word[5],
		.max_window = b.word[6],
		.rcv_wnd = b.word[7],
		.rcv_wup = b.word[8],
		.cwnd = b.word[9],
		.rtt_us = b.word[10],
	};
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
