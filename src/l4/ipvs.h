#pragma once
/*
 * The driver over the kernel's own IPVS, by generic netlink (family IPVS). It
 * finds its servers itself; a server that is down, or slow to start, has a
 * lower weight there.
 */
#include "l4/driver.h"

struct ipvs;

/* *rules: what the kernel has, for the caller. -ENOENT: no such family: the
 * module is not there. */
int ipvs_open(struct ipvs **out, struct rules **rules);
void ipvs_close(struct ipvs *v); /* NULL is fine; the rules stay */
struct driver ipvs_driver(struct ipvs *v);
