#pragma once
/*
 * TCP segments without data, written by hand: for what the kernel does not say
 * of itself.
 */
#include "handoff/addr.h"

#include <stddef.h>
#include <stdint.h>

enum segment_kind { SEGMENT_ACK, SEGMENT_RST };

struct segment {
	enum segment_kind kind;
	struct in6_addr from, to; /* of one family */
	uint16_t from_port, to_port;
	uint32_t seq, ack;
	uint16_t window; /* as it stands in the header: scaled */
	bool timestamps;
	uint32_t stamp, echo;
};

enum { SEGMENT_MAX = 40 + 32 };

/* As a packet. Its size. */
size_t segment_put(const struct segment *s, uint8_t out[SEGMENT_MAX]);

/* What sends them, which needs CAP_NET_RAW. */
struct segment_sender {
	int v4, v6; /* owned: sockets; -1: none of that family are sent */
};

void segment_open(struct segment_sender *out);
void segment_close(struct segment_sender *s);
/* Lost, if it is. */
void segment_send(const struct segment_sender *by, const struct segment *s);
