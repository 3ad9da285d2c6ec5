#pragma once
/*
 * The lab's foot in the machine's own namespace: the interface sevenfold0 with
 * an address in TOPO_NET and a route to the VIP.
 */
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_DEV "sevenfold0"

/* A route (dest and mask in host order; gateway, or 0) that the machine can't
 * have beside a lab. A wider route to where the VIP is may stay: the lab's is
 * for that one address. */
bool machine_clashes(uint32_t dest, uint32_t mask, uint32_t gateway);
/* 0 when there is room for a lab; -EADDRINUSE or -EEXIST, with a message, when
 * a route, an address or an interface is in its way. */
int machine_check(void);
/* There is a sevenfold0 and it is a lab's: it has a lab's MAC address. */
bool machine_has_dev(void);
