#pragma once
/*
 * Tables that hash schedulers look destinations up in, exactly as IPVS fills
 * them. Each entry is a server's place in the service's list + 1; 0: none.
 */
#include "l4/rules.h"

#define RING_HASH 256 /* entries of sh and dh */
/* ... of mh: Linux's default, IP_VS_MH_TAB_INDEX 12 */
#define RING_MAGLEV 4093

/* Servers in turn; by weight (sh), or not (dh). */
void ring_hash(
	const struct rules_service *s, bool by_weight, uint16_t out[RING_HASH]);
/* Maglev (Eisenbud et al., NSDI 2016, 3.4) by the servers' last weights but 0,
 * so that draining one moves nobody. */
void ring_maglev(const struct rules_service *s, uint16_t out[RING_MAGLEV]);
