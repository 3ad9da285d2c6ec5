#pragma once
/*
 * What the balancer's XDP program and the process that feeds it agree on: the
 * keys and values of the maps. Included by both sides and nothing else is.
 * Addresses and ports are in network order, everything else in host order.
 *
 *	services   (VIP, port, protocol) -> service, list generation
 *	lists      service * 2 + generation % 2 -> the usable destinations
 *	turns      service -> how many choices were made (round robin)
 *	dests      destination -> MAC, flags
 *	dest_count destination -> connections, packets, bytes (per CPU)
 *	flows      5-tuple -> destination
 *	verdicts   verdict -> packets (per CPU)
 *
 * Order of writing. Up: the destination, then the list that names it. Down:
 * the list without it, then the destination. A list is replaced by filling
 * the other of the service's two and then counting the generation up.
 */
#include <linux/types.h>

#define L4_SERVICES_MAX 64
#define L4_DESTS_MAX 256

struct l4_service_key {
	__u32 vip;
	__u16 port; /* 0: the address as such, for fragments */
	__u8 proto;
	__u8 zero;
};
_Static_assert(sizeof(struct l4_service_key) == 8, "map ABI");

struct l4_service {
	__u32 id; /* below L4_SERVICES_MAX */
	__u32 generation;
};
_Static_assert(sizeof(struct l4_service) == 8, "map ABI");

struct l4_list {
	__u32 n;
	__u32 dest[L4_DESTS_MAX];
};
_Static_assert(sizeof(struct l4_list) == 4 + 4 * L4_DESTS_MAX, "map ABI");

#define L4_DEST_UP 1u

struct l4_dest {
	__u8 mac[6];
	__u16 flags;
};
_Static_assert(sizeof(struct l4_dest) == 8, "map ABI");

struct l4_dest_count {
	__u64 connections; /* flows given to it */
	__u64 packets;
	__u64 bytes; /* IP total length */
};
_Static_assert(sizeof(struct l4_dest_count) == 24, "map ABI");

struct l4_flow_key {
	__u32 client;
	__u32 vip;
	__u16 client_port;
	__u16 port;
	__u8 proto;
	__u8 zero[3];
};
_Static_assert(sizeof(struct l4_flow_key) == 16, "map ABI");

struct l4_flow {
	__u32 dest;
	__u32 closing; /* the client sent FIN or RST */
};
_Static_assert(sizeof(struct l4_flow) == 8, "map ABI");

enum l4_verdict {
#define VERDICT(name, action, text) L4_##name,
#include "l4/verdicts.def"
#undef VERDICT
	L4_VERDICTS, /* how many; as a result: not decided yet */
};
