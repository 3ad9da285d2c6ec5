#pragma once
/*
 * A node's side of the balancer's tunnels: an XDP program that takes packets
 * out of them. It stays attached until decap_detach(), or the interface goes.
 * 0 or negative errno.
 */
#include "l4/abi.h"

#include <stddef.h>
#include <stdint.h>

struct decap_config {
	int ifindex;
	uint16_t gue_port;		/* 0: 6080 */
	const union l4_addr *balancers; /* borrowed: whose packets are taken */
	size_t nbalancers;
	const union l4_addr *vips; /* ... and whom they are for */
	size_t nvips;
};

/* Again on the same interface: the new one instead. In the driver where it can,
 * else after it. -EBUSY: somebody else's program is there, and stays. */
int decap_attach(const struct decap_config *config);
int decap_detach(int ifindex);
