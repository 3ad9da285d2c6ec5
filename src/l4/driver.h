#pragma once
/*
 * Who carries the rules out: our XDP program, or the kernel's IPVS. Both take
 * the same rules and answer the same questions.
 */
#include "l4/rules.h"

struct driver_counts {
	uint32_t active, inactive, templates;
	uint32_t repeated, opened; /* handshakes: see abi.h; or 0 */
	struct l4_stat stat;
};

struct driver_flow {
	uint8_t proto;
	bool template;
	enum l4_state state;
	uint32_t left_s; /* until it expires */
	union l4_addr client, vip, server;
	uint16_t client_port, vip_port, server_port;
	bool tells_packets;
	uint32_t packets;
};

typedef void (*driver_flow_fn)(void *ctx, const struct driver_flow *f);

struct driver_ops {
	const char *name;
	/* new instead of old, all or nothing; may write numbers into new. 0 or
	 * negative errno. */
	int (*apply)(void *ctx, const struct rules *old, struct rules *new);
	void (*counts)(void *ctx, const struct rules_service *s,
		const struct rules_server *server, struct driver_counts *out);
	void (*flows)(
		void *ctx, const struct rules *r, driver_flow_fn fn, void *arg);
	/* of established and finished TCP, and UDP, in seconds */
	void (*timeouts)(void *ctx, uint32_t s[3]);
	/* of the flow table, as IPVS prints it */
	uint32_t (*size)(void *ctx);
};

struct driver {
	const struct driver_ops *ops;
	void *ctx; /* borrowed */
};
