#pragma once
/* What the node's decapsulating program and its loader agree on. */
#include <linux/types.h>

#define DECAP_ADDRS_MAX 4096

enum decap_kind { DECAP_BALANCER, DECAP_VIP };

/* An address as l4/abi.h writes it, and what it may be. */
struct decap_addr {
	__u32 w[4];
	__u32 kind;
};

/* DECAP_REFUSED: from a balancer, but not for a VIP of ours; or it lost a mark
 * of congestion that its ends would not have understood. */
enum decap_count { DECAP_TAKEN, DECAP_REFUSED, DECAP_COUNTS };
