#include "handoff/snapshot.h"

#include <assert.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>

enum { FORM = 1, SACK = 1, TIMESTAMPS = 2, WSCALE = 4, WSCALE_MAX = 14 };

struct bytes {
	uint8_t form, flags, snd_wscale, rcv_wscale;
	uint32_t client, local;
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
		.client = s->client.s_addr,
		.local = s->local.s_addr,
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
		b->rcv_wscale <= WSCALE_MAX && b->client_port && b->mss;
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
		.client.s_addr = b.client,
		.local.s_addr = b.local,
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

/* --- the primer ----------------------------------------------------------- */

/* Of 16-bit words (RFC 1071); n is even. */
static uint32_t
add_words(uint32_t sum, const void *p, size_t n)
{
	uint16_t word;

	for (size_t i = 0; i < n; i += 2) {
		memcpy(&word, (const char *)p + i, 2);
		sum += word;
	}
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct segment {
	struct tcphdr tcp;
	uint32_t option[3];
};

static struct segment
make_segment(const struct snapshot *s)
{
	uint32_t window = s->snd_wnd >> s->snd_wscale;
	struct segment g = {
		.tcp = {.source = htons(s->client_port),
			.dest = htons(s->local_port),
			.seq = htonl(s->rcv_nxt),
			.ack_seq = htonl(s->snd_nxt),
			.doff = sizeof(g) / 4,
			.ack = 1,
			.window = htons((uint16_t)(
				window < 0xffff ? window : 0xffff))},
		.option = {htonl(0x0101080a), htonl(s->stamp), htonl(s->clock)},
	};
	struct {
		uint32_t from, to;
		uint16_t protocol, bytes;
	} pseudo = {s->client.s_addr, s->local.s_addr, htons(IPPROTO_TCP),
		htons(sizeof(g))};

	g.tcp.check = fold(add_words(
		add_words(0, &pseudo, sizeof(pseudo)), &g, sizeof(g)));
	return g;
}

void
snapshot_primer(
	const struct snapshot *s, const uint8_t mac[6], uint8_t out[PRIMER_BYTES])
{
	struct segment g = make_segment(s);
	struct ethhdr eth = {.h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + sizeof(g)),
		.frag_off = htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = s->client.s_addr,
		.daddr = s->local.s_addr};

	static_assert(sizeof(eth) + sizeof(ip) + sizeof(g) == PRIMER_BYTES,
		"its three headers");
	ip.check = fold(add_words(0, &ip, sizeof(ip)));
	memcpy(eth.h_dest, mac, sizeof(eth.h_dest));
	memcpy(out, &eth, sizeof(eth));
	memcpy(out + sizeof(eth), &ip, sizeof(ip));
	memcpy(out + sizeof(eth) + sizeof(ip), &g, sizeof(g));
}
