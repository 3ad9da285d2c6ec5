#pragma once
/* Frames for the tests: a packet described in a few words, built with all
 * checksums right and, where a test wants it, damaged. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_VIP 0xc000020au /* 192.0.2.10; or 2001:db8::192.0.2.10 */
#define FRAME_CLIENT 0x0a000001u
#define FRAME_PORT 80
#define FRAME_MAX 2048

enum frame_flag { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static const uint8_t frame_own[ETH_ALEN] = {2, 0, 0, 0, 0, 0xaa};
static const uint8_t frame_client[ETH_ALEN] = {2, 0, 0, 0, 0, 0xcc};

struct frame {
	size_t n;
	uint8_t b[FRAME_MAX];
};

struct frame_spec {
	uint8_t flags;	      /* TCP */
	uint16_t client_port; /* 0: 40000 */
	uint16_t port;	      /* 0: the service's */
	uint32_t client, vip; /* 0: the usual; host order, as all here */
	bool v6;
	bool back;	  /* from the vip's end to the client's */
	uint16_t ether;	  /* 0: IPv4 or IPv6 */
	uint8_t protocol; /* 0: TCP */
	uint8_t version;  /* 0: 4 or 6 */
	uint8_t options;  /* 32-bit words of IP options, or 8 bytes of
			   * destination options */
	uint8_t doff;	  /* 0: 5 */
	uint16_t frag;	  /* the whole field */
	uint32_t id;
	uint16_t padding; /* bytes after the datagram */
	uint16_t payload; /* 0: a short request */
	uint8_t ttl;	  /* 0: 64 */
	int16_t total;	  /* added to the IP length */
	int8_t ihl;	  /* added to the true one */
	bool no_sum;	  /* UDP without checksum */
	bool other_mac;	  /* addressed to someone else */
	bool broadcast;
};

static inline uint32_t
frame_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void
frame_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
frame_put32(uint8_t *p, uint32_t v)
{
	frame_put16(p, v >> 16);
	frame_put16(p + 2, v & 0xffff);
}

static inline uint32_t
frame_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* The sum over a pseudo header: addresses as they stand in the packet. */
static inline uint32_t
frame_pseudo(const uint8_t *ip, uint8_t proto, size_t n)
{
	bool v6 = ip[0] >> 4 == 6;
	uint32_t sum = frame_sum(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8, 0);

	return frame_sum(ip, 0, sum + proto + (uint32_t)n);
}

static inline size_t
frame_sum_at(uint8_t proto)
{
	return proto == IPPROTO_TCP ? 16 : proto == IPPROTO_UDP ? 6 : 2;
}

/* Writes the checksum of what begins at l4, n bytes. */
static inline void
frame_seal(const uint8_t *ip, uint8_t *l4, uint8_t proto, size_t n)
{
	uint8_t *sum = l4 + frame_sum_at(proto);
	uint32_t start = proto == IPPROTO_ICMP ? 0 : frame_pseudo(ip, proto, n);
	uint32_t v;

	frame_put16(sum, 0);
	v = ~frame_sum(l4, n, start) & 0xffff;
	frame_put16(sum, proto == IPPROTO_UDP && !v ? 0xffff : v);
}

static inline void
frame_addr(uint8_t *p, bool v6, uint32_t a)
{
	static const uint8_t prefix[12] = {0x20, 0x01, 0x0d, 0xb8};

	if (v6) {
		memcpy(p, prefix, 12);
		p += 12;
	}
	frame_put32(p, a);
}

/* The IP header at p, of n bytes with `payload` behind it. */
static inline void
frame_ip(const struct frame_spec *s, uint8_t *p, size_t n, size_t payload)
{
	uint32_t client = s->client ? s->client : FRAME_CLIENT;
	uint32_t vip = s->vip ? s->vip : FRAME_VIP;
	uint32_t src = s->back ? vip : client, dst = s->back ? client : vip;
	uint8_t proto = s->protocol ? s->protocol : IPPROTO_TCP;
	uint8_t ttl = s->ttl ? s->ttl : 64;

	memset(p, 0, n);
	if (s->v6) {
		p[0] = (uint8_t)((s->version ? s->version : 6) << 4);
		frame_put16(
			p + 4, (uint32_t)((int)(payload + n - 40) + s->total));
		p[6] = s->options ? IPPROTO_DSTOPTS : proto;
		p[7] = ttl;
		frame_addr(p + 8, true, src);
		frame_addr(p + 24, true, dst);
		p += 40;
		if (s->options) {
			p[0] = s->frag || s->id ? IPPROTO_FRAGMENT : proto;
			p[1] = (uint8_t)(s->options - 1);
			p[2] = 1; /* PadN */
			p[3] = (uint8_t)(s->options * 8 - 4);
			p += s->options * 8;
		}
		if (s->frag || s->id) {
			if (!s->options)
				p[-40 + 6] = IPPROTO_FRAGMENT;
			p[0] = proto;
			frame_put16(p + 2, s->frag);
			frame_put32(p + 4, s->id);
		}
		return;
	}
	p[0] = (uint8_t)((s->version ? s->version : 4) << 4 |
		(15 & (int)(5 + s->options + s->ihl)));
	frame_put16(p + 2, (uint32_t)((int)(n + payload) + s->total));
	frame_put16(p + 4, s->id);
	frame_put16(p + 6, s->frag);
	p[8] = ttl;
	p[9] = proto;
	frame_addr(p + 12, false, src);
	frame_addr(p + 16, false, dst);
	memset(p + 20, 1 /* no operation */, n - 20);
	frame_put16(p + 10, ~frame_sum(p, n, 0) & 0xffff);
}

static inline size_t
frame_ip_bytes(const struct frame_spec *s)
{
	if (s->v6)
		return 40 + s->options * 8u + (s->frag || s->id ? 8 : 0);
	return 20 + s->options * 4u;
}

static inline struct frame
frame_make(const struct frame_spec *s)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	uint8_t proto = s->protocol ? s->protocol : IPPROTO_TCP;
	struct frame f = {0};
	size_t ip_n = frame_ip_bytes(s), head, body;
	uint16_t cport = s->client_port ? s->client_port : 40000;
	uint16_t port = s->port ? s->port : FRAME_PORT;
	uint8_t *l4 = f.b + 14 + ip_n;

	head = proto == IPPROTO_TCP ? (s->doff > 5 ? s->doff : 5) * 4u : 8;
	body = s->payload ? s->payload : sizeof(request) - 1;
	memcpy(f.b, frame_own, ETH_ALEN);
	memcpy(f.b + 6, frame_client, ETH_ALEN);
	f.b[5] = s->other_mac ? 0xab : 0xaa;
	if (s->broadcast)
		memset(f.b, 0xff, ETH_ALEN);
	frame_put16(f.b + 12,
		s->ether	? s->ether
			: s->v6 ? ETH_P_IPV6
				: ETH_P_IP);
	frame_ip(s, f.b + 14, ip_n, head + body);
	frame_put16(l4, s->back ? port : cport);
	frame_put16(l4 + 2, s->back ? cport : port);
	if (proto == IPPROTO_TCP) {
		frame_put32(l4 + 4, 1000);
		l4[12] = (uint8_t)((s->doff ? s->doff : 5) << 4);
		l4[13] = s->flags;
	} else {
		frame_put16(l4 + 4, (uint32_t)(head + body));
	}
	for (size_t i = 0; i < body; i++)
		l4[head + i] =
			s->payload ? (uint8_t)(i * 7) : (uint8_t)request[i];
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP)
		frame_seal(f.b + 14, l4, proto, head + body);
	if (s->no_sum)
		frame_put16(l4 + 6, 0);
	f.n = 14 + ip_n + head + body + s->padding;
	return f;
}

/* An ICMP error from `from` to the end that sent what `quoted` describes. */
static inline struct frame
frame_icmp(const struct frame_spec *quoted, uint32_t from, uint8_t type,
	uint8_t code, size_t bytes)
{
	struct frame_spec s = *quoted, outer = {.v6 = quoted->v6};
	struct frame in = frame_make(&s), f = {0};
	uint8_t proto = s.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	size_t ip_n = s.v6 ? 40 : 20, n = in.n - 14 - s.padding;
	uint8_t *l4 = f.b + 14 + ip_n;

	n = bytes && bytes < n ? bytes : n;
	outer.protocol = proto;
	outer.client = from;
	outer.vip = s.back ? (s.vip ? s.vip : FRAME_VIP)
			   : (s.client ? s.client : FRAME_CLIENT);
	memcpy(f.b, in.b, 14);
	frame_ip(&outer, f.b + 14, ip_n, 8 + n);
	l4[0] = type;
	l4[1] = code;
	memcpy(l4 + 8, in.b + 14, n);
	frame_seal(f.b + 14, l4, proto, 8 + n);
	f.n = 14 + ip_n + 8 + n;
	return f;
}

/* Whether all checksums of the IP packet at p are right, as far as they can be
 * told from it alone: IP's own, TCP's, UDP's and ICMP's of whole packets. */
static inline bool
frame_true(const uint8_t *p, size_t n)
{
	bool v6 = p[0] >> 4 == 6;
	size_t head = v6 ? 40 : (p[0] & 15) * 4u, len;
	uint8_t proto = v6 ? p[6] : p[9];
	uint32_t start;

	if (!v6 && frame_sum(p, head, 0) != 0xffff)
		return false;
	len = v6 ? frame_get16(p + 4) : frame_get16(p + 2) - head;
	if (head + len > n)
		return false;
	if (!v6 && (frame_get16(p + 6) & 0x3fff))
		return true;
	if (proto == IPPROTO_IPIP || proto == IPPROTO_IPV6)
		return frame_true(p + head, len);
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP &&
		proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6)
		return true;
	if (proto == IPPROTO_UDP && !frame_get16(p + head + 6))
		return true;
	start = proto == IPPROTO_ICMP ? 0 : frame_pseudo(p, proto, len);
	return frame_sum(p + head, len, start) == 0xffff;
}
