#pragma once
/* Rules for the tests, in few words. */
#include "l4/compile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* a.b.c.d in host order, or 2001:db8::a.b.c.d */
static inline union l4_addr
test_addr(uint32_t a, bool v6)
{
	static const uint8_t prefix[12] = {0x20, 0x01, 0x0d, 0xb8};
	union l4_addr out = {.w = {0, 0, htonl(0xffff), htonl(a)}};

	if (v6)
		memcpy(&out, prefix, sizeof(prefix));
	return out;
}

static inline struct rules_id
test_id(uint32_t vip, uint16_t port, uint8_t proto, bool v6)
{
	return (struct rules_id){.v6 = v6,
		.proto = proto,
		.port = port,
		.addr = test_addr(vip, v6)};
}

/* A server that can be sent to: 10.0.1.n, MAC 02:00:00:00:01:n. */
static inline struct rules_server
test_server(uint8_t n, uint16_t port, bool v6)
{
	return (struct rules_server){.addr = test_addr(0x0a000100u + n, v6),
		.port = port,
		.weight = 1,
		.resolved = true,
		.mac = {2, 0, 0, 0, 1, n},
		.mtu = 1500};
}

static inline union l4_addr
test_mask(unsigned bits, bool v6)
{
	union l4_addr m;

	if (!v6)
		bits += 96;
	for (unsigned i = 0; i < 128; i++) {
		uint8_t *p = (uint8_t *)&m + i / 8;

		if (i % 8 == 0)
			*p = 0;
		if (i < bits)
			*p = (uint8_t)(*p | 0x80 >> i % 8);
	}
	return m;
}
