#pragma once
/*
 * What the balancer's packet program and the process that feeds it agree on:
 * the elements of its maps, which maps.def lists. Included by both sides.
 *
 * All maps are arrays that both sides see as plain memory. Addresses and ports
 * are in network order, everything else in host order. An IPv4 address is
 * written as IPv6 writes it, ::ffff:a.b.c.d, so that everything is kept once.
 *
 * Rules (fronts, services, dests, slots, nodes, rings) exist twice. A change
 * is compiled as a whole into the half that is not in use, and then
 * ctl.generation is counted up: its lowest bit says which half is in use.
 * Numbers of fronts, services and destinations stay what they are from one
 * generation to the next, since flows and counters go by them; 0 is none.
 */
#include <linux/types.h>

#define L4_SERVICES_MAX 1024 /* numbers 1.. below it, as all here */
#define L4_FRONTS_MAX 8192
#define L4_FRONT_WINDOW 8 /* places in which a front may be */
#define L4_DESTS_MAX 16384
#define L4_SERVICE_DESTS_MAX 1024 /* of one service */
#define L4_SLOTS_MAX 65536	  /* per half: all services' together */
#define L4_RINGS_MAX (1u << 22)	  /* per half */
#define L4_SETS_MAX 65536	  /* destinations that lblcr remembers */
#define L4_VERDICTS_MAX 64

union l4_addr {
	__u32 w[4];
	__u64 d[2];
};

/* d[1] of an IPv4 address: w[2], which is ::ffff:, and w[3], the address. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define L4_MAPPED_WORD 0xffff0000ull
#define L4_LAST_SHIFT 32
#else
#define L4_MAPPED_WORD (0x0000ffffull << 32)
#define L4_LAST_SHIFT 0
#endif

/* As IPVS numbers them: a listing shows them, and sync messages carry them. */
enum l4_state {
	L4_NONE,
	L4_ESTABLISHED,
	L4_SYN_SENT,
	L4_SYN_RECV,
	L4_FIN_WAIT,
	L4_TIME_WAIT,
	L4_CLOSE,
	L4_CLOSE_WAIT,
	L4_LAST_ACK,
	L4_LISTEN,
	L4_SYNACK,
	L4_TCP_STATES,
	L4_UDP = L4_TCP_STATES,
	L4_FRAGMENT, /* which destination a datagram's fragments go to */
	L4_STATES,
};

/* Timeouts and times are in ticks of 2^26 ns (67 ms). */
#define L4_TICK_SHIFT 26

#define L4_HAS_NAT 1u	   /* replies of NAT's servers come by */
#define L4_HAS_ANY_PORT 2u /* services for all ports of an address */

struct l4_ctl {
	__u64 clock_ns; /* 0: the kernel's clock; tests set their own */
	__u64 seed[2];	/* of the flows' hash */
	__u32 generation;
	__u32 bucket_mask; /* the number of buckets in use - 1; as flows grow
			    * in number it does, up to all there are */
	__u32 moved;	   /* buckets whose entries are where they belong */
	__u32 old_mask;	   /* it was; the same if nothing is being moved */
	__u32 has[2];	   /* of each half: L4_HAS_... */
	__u32 timeout[16]; /* by enum l4_state */
	__u32 new_max;	   /* flows that each CPU may begin to remember
			    * in a tick; the rest goes by hash alone */
	__u32 ifindex;
	__u32 cache_timeout; /* of what lblc and lblcr remember */
	__u32 flags;	     /* L4_CTL_... */
	__u32 mode;	     /* how the program is attached */
	__u32 pad;
	union l4_addr own4, own6; /* sources of tunnels */
	__u8 mac[6];
	__u16 mtu;
};

#define L4_CTL_EXPIRE_NODEST 1u	   /* as IPVS's expire_nodest_conn */
#define L4_CTL_EXPIRE_QUIESCENT 2u /* ... expire_quiescent_template */

/* An address and port at which packets for a service arrive, or come back
 * from (L4_FRONT_REAL: a NAT server's own). Its number is its place. */
enum l4_front_kind { L4_FRONT_FREE, L4_FRONT_WAS, L4_FRONT_VIP, L4_FRONT_REAL };

struct l4_front {
	union l4_addr addr;
	union {
		struct {
			__u16 port; /* 0: all others; for a VIP, also the
				     * address as such */
			__u8 proto;
			__u8 kind;
		};
		__u32 end; /* all three */
	};
	__u16 service; /* 0: none here, but on other ports */
	__u16 pad[5];
};
_Static_assert(sizeof(struct l4_front) == 32, "map ABI");

enum l4_scheduler {
#define SCHEDULER(name) L4_##name,
#include "l4/schedulers.def"
#undef SCHEDULER
	L4_SCHEDULERS,
};

#define L4_PERSISTENT 1u
#define L4_ONE_PACKET 2u
#define L4_HASH_FALLBACK 4u /* sh-fallback, mh-fallback */
#define L4_HASH_PORT 8u	    /* sh-port, mh-port */
#define L4_BY_MARK 16u	    /* known by a number, has any number of fronts */
#define L4_VIA_FTP 32u	    /* templates without port, as port 0's */

/*
 * A service's destinations are in slots[base] ff., in the order of IPVS's
 * list: the newest first. Over them is a tree, its nodes in pairs[base] ff.:
 * node 1 is the root, and slot i has leaf (1 << depth) + i.
 */
struct l4_service {
	__u32 base;
	__u16 n, depth;
	__u8 scheduler;
	__u8 proto;
	__u16 flags;
	__u32 ring, ring_n;   /* sh, dh, mh; in u16s, from a multiple of 4;
			       * twos: of the sum of weights ring_n, if small,
			       * places 0 to ring_n */
	__u32 spare, spare_n; /* Maglev over all: when there is no table */
	__u32 persist;	      /* ticks */
	__u16 gcd, front;     /* front: a mark's templates have this one */
	__u32 max;	      /* wrr's mw */
	__u32 mark;
	__u32 pad;
	union l4_addr mask; /* of clients, for persistence */
};
_Static_assert(sizeof(struct l4_service) == 64, "map ABI");

/* What schedulers remember. Lives on from generation to generation. */
struct l4_turn {
	__u32 last; /* the destination chosen last; 0: begin with the first */
	__s32 cw;
	__u64 random;
};

enum l4_method { L4_ROUTE, L4_TUNNEL, L4_MASQ, L4_LOCAL };
enum l4_tun { L4_IPIP, L4_GUE, L4_GRE };

#define L4_DEST_LIVE 1u	 /* there is such a destination */
#define L4_DEST_UP 2u	 /* it can be sent to: MAC known, not lost */
#define L4_DEST_CSUM 4u	 /* the tunnel's GRE has a checksum */
#define L4_DEST_GONE 8u	 /* its flows are to end */
#define L4_DEST_OPEN 16u /* it is up, and takes new connections */

struct l4_dest {
	union l4_addr addr;
	__u8 mac[6]; /* of the next hop */
	__u16 port;
	__u32 ifindex;
	__u16 mtu; /* of what is sent to it, the tunnel's header included */
	__u16 service;
	__u16 slot; /* in its service: from 0 */
	__u16 weight;
	__u8 method, tun;
	__u16 tun_port;
	__u16 flags;
	__u16 front; /* NAT: its own */
	__u32 upper, lower;
	__u32 pad[2];
};
_Static_assert(sizeof(struct l4_dest) == 64, "map ABI");

/* A destination as the tree compares it: load / weight, smallest first. */
struct l4_slot {
	__u32 load;
	__u16 weight; /* 0: can't be chosen */
	__u16 dest;
};

/* The least loaded slot beneath a node of the tree, in one piece. */
union l4_best {
	struct {
		__u32 load;
		__u16 weight;
		__u16 slot; /* + 1; 0: none can be chosen, load 1, weight 0 */
	};
	__u64 word;
};

/* What is beneath a node of the tree. */
struct l4_node {
	union l4_best best;
	__u32 total; /* the sum of weights; lblc, lblcr: how many have more
		      * than half of their capacity left */
	__u16 most;  /* the largest weight */
	__u16 pad;
};

/* Nodes 2i and 2i + 1 are together: of them node i is made. */
struct l4_pair {
	struct l4_node node[2];
};
_Static_assert(sizeof(struct l4_pair) == 32, "half a cache line");

struct l4_ring {
	__u16 slot[4]; /* + 1; 0: none */
};

/* Of a destination, by all CPUs. */
struct l4_count {
	__s32 active, inactive;
	__u32 templates;
	__u32 overloaded;
	/* Of handshakes, as a client's half of them shows: SYNs that had to be
	 * repeated, and connections that came about. */
	__u32 repeated, opened;
	__u32 pad[10];
};
_Static_assert(sizeof(struct l4_count) == 64, "a cache line");

/* stats[CPU * L4_DESTS_MAX + destination] */
struct l4_stat {
	__u64 connections;
	__u64 in_packets, out_packets;
	__u64 in_bytes, out_bytes; /* IP length */
	__u64 pad[3];
};

/* The rules as text, for the next process that finds these maps. */
#define L4_NOTES_MAX 8192

struct l4_note {
	char text[512];
};

/* tallies[CPU] */
struct l4_tally {
	__u64 verdict[L4_VERDICTS_MAX];
	__u32 tick; /* of the count below */
	__u32 begun;
	__u64 added, ended; /* entries of the flow table, ever */
	__u64 scratch;	    /* a detour by memory: see l4_flow_add() */
	__u64 jiffies;	    /* when the clock was read last, */
	__u32 ticks, pad;   /* and what it said */
	__u64 work[50];	    /* the packet under work: struct l4_job */
};
_Static_assert(sizeof(struct l4_tally) == 960, "whole cache lines");

/*
 * The flow table: buckets of eight. An entry is one of five kinds, by its key:
 *
 *	flow	  client, its port, the port it wants, the front
 *	reply	  client, its port, the server's port, the server's front
 *	template  client under the service's mask, 0, port, the front
 *	fragment  source, the datagram's number, the address's front
 *	reply's fragment  server, client, the datagram's number, protocol
 *
 * A reply's word names the flow's front and port, and by whom the client's
 * packets come, to whom the replies go.
 *
 * word is what changes, in one piece, so that it can be changed by comparing
 * and swapping: nobody locks. It is 0 in a free entry.
 */
enum l4_kind {
	L4_KIND_FLOW = 1,
	L4_KIND_REPLY,
	L4_KIND_TEMPLATE,
	L4_KIND_FRAGMENT,
	L4_KIND_REPLY_FRAGMENT
};

struct l4_key {
	__u64 client[2];
	__u64 ends; /* client_port | port << 16 | front << 32 | kind << 48 */
};

struct l4_flow {
	struct l4_key key;
	/* seen << 32 | dest << 16 | packets << 8 | flags << 4 | state;
	 * reply: 1 << 63 | hop << 32 | front << 16 | port;
	 * its fragment: seen << 48 | hop << 32 | dest << 16 | front;
	 * template: seen << 32 | dest << 16 | flows that it controls */
	__u64 word;
};
_Static_assert(sizeof(struct l4_flow) == 32, "64 bytes per flow, half full");

#define L4_WAYS 8

struct l4_bucket {
	struct l4_flow flow[L4_WAYS];
};

#define L4_FLOW_TEMPLATED 1u /* controlled by a template */
#define L4_FLOW_TWO_WAY 2u   /* replies have been seen */

/* A MAC address by which NAT's clients are reached. 0: free. */
#define L4_HOPS_MAX 4096
#define L4_HOP_WAYS 8

struct l4_hop {
	__u64 mac; /* << 16, | 1 */
};

/* What lblc and lblcr remember of an address: its server, or servers. */
#define L4_MEMBERS_MAX 8

struct l4_set {
	__u64 addr[2];
	__u16 member[L4_MEMBERS_MAX]; /* destinations; 0: none */
	__u32 seen, changed;	      /* ticks */
	__u16 service, pad[3];
	__u64 pad2[2];
};
_Static_assert(sizeof(struct l4_set) == 64, "map ABI");

enum l4_verdict {
#define VERDICT(name, action, text) L4_##name,
#include "l4/verdicts.def"
#undef VERDICT
	L4_VERDICTS, /* how many; as a result: not decided yet */
};
_Static_assert(L4_VERDICTS <= L4_VERDICTS_MAX, "map ABI");
