#pragma once
/*
 * Where the kernel would send a packet for an IPv4 address (rtnetlink,
 * RTM_GETROUTE).
 */
#include <netinet/in.h>
#include <stdbool.h>

struct route {
	int ifindex;
	bool on_link; /* no gateway in between */
	bool local;   /* an address of this machine itself */
};

/* -ENETUNREACH and the like when there is no route. */
int route_get(struct in_addr addr, struct route *out);
