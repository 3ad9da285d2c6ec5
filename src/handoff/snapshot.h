#pragma once
/*
 * struct snapshot: all there is to know of a TCP connection that has nothing in
 * its queues, so that another machine's kernel can go on with it. As bytes,
 *
 *	form (1)  flags (1)  window scales (1)
 *	the client's address (4, or 16 of IPv6), and ours
 *	the client's port (2), ours, MSS (2)
 *	snd_nxt (4)  rcv_nxt (4)
 *	with timestamps: clock (4)  stamp (4)
 *
 * in network order, and then, as varints (base/varint.h), since each move pays
 * for them: snd_wnd; max_window, as what it is beyond that; rcv_wnd; snd_wl1
 * and rcv_wup, as what rcv_nxt is beyond them; cwnd; rtt_us. That makes some 46
 * bytes.
 *
 * What the kernel neither tells nor takes back, and so is lost: the round-trip
 * time, the slow-start threshold, the state of congestion control, ECN.
 */
#include "base/buf.h"
#include "handoff/segment.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdint.h>

struct snapshot {
	struct in6_addr client, local; /* of one family */
	uint16_t client_port, local_port;
	bool sack, timestamps, wscale_ok;
	uint8_t snd_wscale, rcv_wscale; /* below 15 (RFC 7323, 2.3) */
	uint16_t mss;			/* that the client's SYN allowed */
	uint32_t snd_nxt, rcv_nxt;	/* sequence numbers */
	uint32_t clock;			/* of our timestamps: what it shows */
	uint32_t stamp;			/* the client's: what it sent last */
	uint32_t snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup;
	uint32_t cwnd; /* segments */
	uint32_t rtt_us;
};

void snapshot_put(const struct snapshot *s, struct buf *out);
/* Takes it off the front of *in. False when it makes no sense. */
bool snapshot_take(struct str *in, struct snapshot *out);

enum { PRIMER_MAX = ETH_HLEN + SEGMENT_MAX };

/* The acknowledgement, as a frame to mac, that the client could have sent last:
 * it tells a restored socket what the client's timestamps have come to, which
 * can't be told to the kernel otherwise. Its size. */
size_t snapshot_primer(const struct snapshot *s, const uint8_t mac[ETH_ALEN],
	uint8_t out[PRIMER_MAX]);
