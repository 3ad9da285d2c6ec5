#pragma once
/* Frames for the tests: a segment described in a few words, built and, where
 * a test wants it, damaged. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_VIP 0xc000020au /* 192.0.2.10 */
#define FRAME_PORT 80

enum frame_flag { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static const uint8_t frame_own[ETH_ALEN] = {2, 0, 0, 0, 0, 0xaa};
static const uint8_t frame_client[ETH_ALEN] = {2, 0, 0, 0, 0, 0xcc};

struct frame {
	size_t n;
	uint8_t b[512];
};

struct frame_spec {
	uint8_t flags;	      /* TCP */
	uint16_t client_port; /* 0: 40000 */
	uint16_t port;	      /* 0: the service's */
	uint32_t vip;	      /* 0: the service's; host order, as all here */
	uint16_t ether;	      /* 0: IPv4 */
	uint8_t protocol;     /* 0: TCP */
	uint8_t version;      /* 0: 4 */
	uint8_t options;      /* 32-bit words of IP options */
	uint8_t doff;	      /* 0: 5 */
	uint16_t frag;	      /* the whole field */
	uint16_t padding;     /* bytes after the datagram */
	int16_t total;	      /* added to the IP total length */
	int8_t ihl;	      /* added to the true one */
	bool other_mac;	      /* addressed to someone else */
	bool broadcast;
};

static inline struct frame
frame_make(const struct frame_spec *s)
{
	static const char payload[] = "GET / HTTP/1.1\r\n\r\n";
	struct frame f = {0};
	struct ethhdr eth = {0};
	struct iphdr ip = {0};
	struct tcphdr tcp = {0};
	size_t tcp_n = (s->doff > 5 ? s->doff : 5) * 4u, ip_n;

	ip_n = sizeof(ip) + s->options * 4u + tcp_n + sizeof(payload) - 1;
	memcpy(eth.h_dest, frame_own, ETH_ALEN);
	memcpy(eth.h_source, frame_client, ETH_ALEN);
	eth.h_dest[5] = s->other_mac ? 0xab : 0xaa;
	if (s->broadcast)
		memset(eth.h_dest, 0xff, ETH_ALEN);
	eth.h_proto = htons(s->ether ? s->ether : ETH_P_IP);
	ip.version = 15u & (s->version ? s->version : 4u);
	ip.ihl = 15u & (unsigned)(5 + s->options + s->ihl);
	ip.tot_len = htons((uint16_t)(ip_n + (size_t)s->total));
	ip.ttl = 64;
	ip.frag_off = htons(s->frag);
	ip.protocol = s->protocol ? s->protocol : IPPROTO_TCP;
	ip.saddr = htonl(0x0a000001);
	ip.daddr = htonl(s->vip ? s->vip : FRAME_VIP);
	tcp.source = htons(s->client_port ? s->client_port : 40000);
	tcp.dest = htons(s->port ? s->port : FRAME_PORT);
	tcp.doff = 15u & (s->doff ? s->doff : 5u);
	tcp.fin = !!(s->flags & FIN);
	tcp.syn = !!(s->flags & SYN);
	tcp.rst = !!(s->flags & RST);
	tcp.ack = !!(s->flags & ACK);
	memcpy(f.b, &eth, sizeof(eth));
	memcpy(f.b + 14, &ip, sizeof(ip));
	memset(f.b + 34, 1 /* no operation */, s->options * 4u);
	memcpy(f.b + 34 + s->options * 4u, &tcp, sizeof(tcp));
	memcpy(f.b + 14 + ip_n - sizeof(payload) + 1, payload,
		sizeof(payload) - 1);
	f.n = sizeof(eth) + ip_n + s->padding;
	return f;
}
