#pragma once
/*
 * The layer-4 balancer's data plane seen from its process: loads the XDP
 * program (bpf/balancer.bpf.c), attaches it, and has its maps as memory. It
 * decides nothing: l4/compile.h writes the rules.
 *
 * With a directory to pin to, in a BPF file system, maps and attachment stay
 * when this process ends, however it ends: packets flow on by the rules that
 * were last, and the next process to open the same directory goes on with the
 * same flows and counts, and puts its own program in place of the old one
 * between two packets. Without, the interface is as it was before.
 *
 * Functions that return int: 0 or negative errno.
 */
#include "l4/image.h"

#include <net/ethernet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum balancer_xdp { BALANCER_AUTO, BALANCER_NATIVE, BALANCER_GENERIC };

struct balancer_config {
	uint8_t mac[ETH_ALEN]; /* of the interface */
	uint32_t ifindex;
	uint64_t flows;	 /* that the table is for; half of its entries */
	const char *pin; /* NULL: nowhere */
};

struct balancer;

/* Whether this process has CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON (without
 * which the verifier allows no jump over a header of variable length). */
bool balancer_permitted(void);
/* Loads, or finds what is pinned. -EPERM, -EACCES: may not. -EINVAL: what is
 * pinned there is of another version. */
int balancer_open(const struct balancer_config *config, struct balancer **out);
/* What is not pinned is detached. NULL is fine. */
void balancer_close(struct balancer *b);
/* Nothing is pinned any more; to be followed by balancer_close(). */
void balancer_unpin(struct balancer *b);

/* -EBUSY, -EEXIST: the interface has an XDP program already. -EOPNOTSUPP:
 * native, but the driver cannot. AUTO tries native, then generic. */
int balancer_attach(struct balancer *b, enum balancer_xdp xdp);
/* What it was attached as: "native", "generic", or "none". */
const char *balancer_mode(const struct balancer *b);
/* The maps were there already, with what an earlier process left in them. */
bool balancer_resumed(const struct balancer *b);
/* Returns when no packet is under way any more that began before. */
void balancer_settle(void);

/* The maps, as memory: borrowed. */
struct l4_image *balancer_image(struct balancer *b);
/* Of that destination, and packets by verdict: of all CPUs, ever. */
void
balancer_stat(const struct l4_image *i, uint16_t dest, struct l4_stat *out);
void balancer_verdicts(const struct l4_image *i, uint64_t out[L4_VERDICTS]);
/* As verdicts.def has it: "tx_known". */
const char *balancer_verdict_name(enum l4_verdict v);

/* For tests with BPF_PROG_TEST_RUN. */
int balancer_prog_fd(const struct balancer *b);
