#pragma once
/*
 * The layer-4 balancer's data plane seen from its process: loads the XDP
 * program (bpf/balancer.bpf.c), attaches it, keeps its maps true and reads its
 * counters. It decides nothing: who is up and what MAC address a node has is
 * told by balancer_set().
 *
 * The program is attached through a link that this process holds: when the
 * process ends, however it ends, the interface is as it was before.
 *
 * Functions that return int: 0 or negative errno.
 */
#include "l4/abi.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum balancer_xdp { BALANCER_AUTO, BALANCER_NATIVE, BALANCER_GENERIC };

struct balancer_config {
	uint8_t mac[ETH_ALEN]; /* of the interface */
	struct in_addr vip;
	uint16_t port; /* host order */
	size_t nodes;  /* numbered from 0; at most L4_DESTS_MAX */
	uint32_t flows_max;
};

struct balancer;

/* Whether this process has CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON (without
 * which the verifier allows no jump over a header of variable length). */
bool balancer_permitted(void);
/* Loads. -EPERM, -EACCES: may not. */
int balancer_open(const struct balancer_config *config, struct balancer **out);
/* Detaches too. NULL is fine. */
void balancer_close(struct balancer *b);

/* -EBUSY, -EEXIST: the interface has an XDP program already. -EOPNOTSUPP:
 * native, but the driver cannot. AUTO tries native, then generic. */
int balancer_attach(struct balancer *b, int ifindex, enum balancer_xdp xdp);
/* What it was attached as: "native", "generic", or "none". */
const char *balancer_mode(const struct balancer *b);

/* A node's MAC address and whether it may be used. Takes effect at once; the
 * flows of a node that goes down are given to others. */
int balancer_set(
	struct balancer *b, size_t node, const uint8_t mac[ETH_ALEN], bool up);

int balancer_node_count(
	const struct balancer *b, size_t node, struct l4_dest_count *out);
int balancer_verdicts(const struct balancer *b, uint64_t out[L4_VERDICTS]);
const char *balancer_verdict_name(enum l4_verdict v);

/* For tests with BPF_PROG_TEST_RUN. */
int balancer_prog_fd(const struct balancer *b);
