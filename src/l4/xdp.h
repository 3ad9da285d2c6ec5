#pragma once
/* The driver over our XDP program: rules are compiled into its image. */
#include "l4/driver.h"
#include "l4/image.h"

struct xdp;

/* The image outlives it. live: a program reads it, so that halves are only
 * written when nothing reads them. */
struct xdp *xdp_new(struct l4_image *image, bool live);
void xdp_free(struct xdp *x); /* NULL is fine */
struct driver xdp_driver(struct xdp *x);

/* The periodic work: ends flows whose time is over, all of the table within 30
 * seconds if called ten times a second, and sets right what schedulers see.
 * True: r's trash has changed, so the rules are to be applied again. */
bool xdp_tick(struct xdp *x, struct rules *r, uint64_t now_ns);
/* Our own address, of either family: the source of tunnels. */
void xdp_set_source(struct xdp *x, const union l4_addr *source);
/* Entries that were in use at the last sweep. */
uint64_t xdp_used(const struct xdp *x);
