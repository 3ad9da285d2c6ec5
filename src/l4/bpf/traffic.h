#pragma once
/*
 * For the benchmark: a plain packet (Ethernet, IPv4 without options, TCP)
 * becomes one of the next flow, as fresh as from its client, whatever was done
 * to it before. Both kinds of sender use it: the XDP program, and the process.
 * TCP's checksum stays as it was: nobody on the way looks at it.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/types.h>

#define TRAFFIC_HEADERS \
	(sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct tcphdr))

struct traffic {
	__u32 at, flows; /* the next flow's number; how many there are */
	__u32 base;	 /* of the clients' addresses, host order */
	__u32 flags;	 /* TCP's */
	__u32 ifindex;	 /* where to put them */
	__u8 dst[ETH_ALEN], src[ETH_ALEN];
};

static inline __attribute__((always_inline)) __u16
traffic_swap(__u16 v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(v);
#else
	return v;
#endif
}

static inline __attribute__((always_inline)) void
traffic_sum(struct iphdr *ip)
{
	const __u16 *w = (const void *)ip;
	__u32 sum = 0;

	ip->check = 0;
	for (int i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = (__u16) ~((sum & 0xffff) + (sum >> 16));
}

/* The headers at p are all there. */
static inline __attribute__((always_inline)) void
traffic_next(struct traffic *t, void *p)
{
	struct ethhdr *eth = p;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 n = t->at, client = t->base + (n >> 10);
	__u16 *addr = (void *)&ip->saddr;

	t->at = n + 1 < t->flows ? n + 1 : 0;
	__builtin_memcpy(eth->h_dest, t->dst, ETH_ALEN);
	__builtin_memcpy(eth->h_source, t->src, ETH_ALEN);
	addr[0] = traffic_swap((__u16)(client >> 16));
	addr[1] = traffic_swap((__u16)client);
	ip->ttl = 64;
	traffic_sum(ip);
	tcp->source = traffic_swap((__u16)(1024 + (n & 1023)));
	((__u8 *)tcp)[13] = (__u8)t->flags;
}
