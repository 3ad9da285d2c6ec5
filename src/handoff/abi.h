#pragma once
/*
 * What the programs that steer moved connections and the process that feeds
 * them agree on: the keys and values of the maps. Addresses and ports are in
 * network order, everything else in host order.
 *
 *	flows	client -> where its packets go; absent: to our own TCP
 *	stamps	client -> the TSval of the last data that came in its name
 *	windows	client -> the congestion window that a socket is to begin with
 *	steered	verdict -> packets (per CPU)
 *
 * There is one virtual address of each family, and one port, so that a client's
 * address and port name a connection. Nodes have addresses of IPv4; packets of
 * IPv6 go to them by their MAC address, and those that XDP forwards.
 *
 * Who may write a flow, and when (see move.h): whoever gives a connection away
 * parks it, and forwards it when the taker has said that it has it; whoever
 * takes one removes what it has. So the forwards of a client's packets form a
 * tree whose root is the connection's owner, and no packet goes in circles.
 */
#include <linux/types.h>

#define HANDOFF_FLOWS_MAX (1u << 20)
#define HANDOFF_STAMPS_MAX (1u << 16)
#define HANDOFF_WINDOWS_MAX 4096u

struct handoff_key {
	__u32 client[4]; /* of IPv6; IPv4 is mapped */
	__u16 port;
	__u16 zero;
};
_Static_assert(sizeof(struct handoff_key) == 20, "map ABI");

enum handoff_way {
	HANDOFF_PARK,	 /* to whoever reads the park */
	HANDOFF_FORWARD, /* to another node */
};

struct handoff_flow {
	__u64 used_ns;	/* when a packet last came by, CLOCK_MONOTONIC_COARSE */
	__u32 way;	/* enum handoff_way */
	__u32 node;	/* its address. HANDOFF_PARK: where they went before; 0:
			   to our own TCP */
	__u32 closing;	/* the client has sent FIN or RST */
	__u32 seq, ack; /* of its last segment; host order */
	__u32 id;	/* the process's: of the forward */
	__u8 mac[6];	/* the node's, for packets of IPv6, and XDP; or zero */
	__u16 zero;
};
_Static_assert(sizeof(struct handoff_flow) == 40, "map ABI");

struct handoff_stamp {
	__u32 tsval;
	__u32 end; /* the sequence number behind that data; host order, too */
};
_Static_assert(sizeof(struct handoff_stamp) == 8, "map ABI");

enum handoff_verdict {
#define VERDICT(name, text) HANDOFF_##name,
#include "handoff/verdicts.def"
#undef VERDICT
	HANDOFF_VERDICTS,
};
