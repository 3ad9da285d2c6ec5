#pragma once
/* The connections that the kernel's IPVS knows, by /proc/net/ip_vs_conn. */
#include "l4/driver.h"

/* driver_ops.flows: needs neither ctx nor the rules. */
void ipvs_flows(void *ctx, const struct rules *r, driver_flow_fn fn, void *arg);
