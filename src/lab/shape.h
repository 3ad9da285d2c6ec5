#pragma once
/*
 * Limits: the rate of links and the CPU share of nodes.
 *
 * Every link has a queue at both ends even without a rate, because only
 * queues count bytes as a wire would: interface counters of a veth leave out
 * the Ethernet header of frames that native XDP has seen. What the balancer
 * sends by XDP_TX passes no queue of its own, so its sending side is shaped
 * and counted on arrival at the switch, in an IFB.
 */
#include "base/buf.h"

#include <sys/types.h>

struct lab_options;
struct lab_counters;
struct topo_host;

#define SHAPE_BALANCER_IFB "ifb-balancer"

/* "20mbit", "1gbit", "64kbit": bits per second. -EINVAL */
int shape_parse_rate(struct str s, uint64_t *bits);
/* "10%" or "0.5%" of one core, in thousandths of it; up to all of the machine's
 * cores. -EINVAL, -ERANGE */
int shape_parse_cpu(struct str s, unsigned *millicores);

/* The rate of h's link. */
uint64_t shape_rate(const struct lab_options *o, const struct topo_host *h);
/* One line for `tc -batch`: dev's root queue. */
void shape_queue(struct buf *b, const char *dev, uint64_t bits);
/* For `tc -batch` in the switch: all ports, and the balancer's IFB. */
void shape_switch_batch(struct buf *b, const struct lab_options *o);

/* CPU shares, by a cgroup per node, v1 or v2. They limit from shape_cpu_limit()
 * on: to start a large server with a hundredth of a core takes minutes. */
int shape_cpu_up(const struct lab_options *o);
int shape_cpu_limit(const struct lab_options *o);
int shape_cpu_join(const char *host); /* 0 when host has no share */
int shape_cpu_down(void);
bool shape_cpu_remains(void);

/* Reads the queues of h's link; forks. */
int shape_counters(const struct topo_host *h, struct lab_counters *out);
