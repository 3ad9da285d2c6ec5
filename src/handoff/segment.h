#pragma once
/*
 * TCP segments without data, written by hand: for what the kernel does not say
 * of itself.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum segment_kind { SEGMENT_ACK, SEGMENT_RST };

struct segment {
	enum segment_kind kind;
	struct in_addr from, to;
	uint16_t from_port, to_port;
	uint32_t seq, ack;
	uint16_t window; /* as it stands in the header: scaled */
	bool timestamps;
	uint32_t stamp, echo;
};

enum { SEGMENT_MAX = 20 + 32 };

/* As an IPv4 packet. Its size. */
size_t segment_put(const struct segment *s, uint8_t out[SEGMENT_MAX]);

/* A socket to send them by, which needs CAP_NET_RAW. Negative errno. */
int segment_open(void);
/* Lost, if it is. */
void segment_send(int fd, const struct segment *s);
