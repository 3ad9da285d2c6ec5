#pragma once
/* Where the kernel would send a packet for an address (rtnetlink,
 * RTM_GETROUTE). */
#include "l4/abi.h"

#include <stdbool.h>

struct route {
	int ifindex;
	bool on_link;	   /* no gateway in between */
	bool local;	   /* an address of this machine itself */
	union l4_addr via; /* the gateway, or the address itself */
	union l4_addr source;
};

/* -ENETUNREACH and the like when there is no route. */
int route_get(const union l4_addr *addr, struct route *out);
