#pragma once
/*
 * What bench_forward.c measures: forwarders side by side in one network
 * namespace of this process's own, each with its veths. Packets are put onto
 * `source`, arrive at its peer `entry`, and are counted, and dropped, at
 * `exit`. The balancer has one arm, as in a cluster: what it sends comes back
 * to where it was sent. Whatever cannot be set up ends the process, with a
 * message.
 */
#include "l4/bpf/traffic.h"

#include <stdbool.h>

struct balancer;

enum forwarder_kind { WIRE, BRIDGE, BALANCER, IPVS, FORWARDERS };

struct forwarder {
	const char *name, *source, *entry, *exit;
};

extern const struct forwarder forwarders[FORWARDERS];

struct stage {
	struct traffic_bpf *ends;  /* owned: who sends frames, who drops them */
	struct balancer *balancer; /* owned */
	bool ipvs;		   /* this kernel has it */
};

void stage_open(struct stage *s);
/* Forwarders but the balancer take packets from sockets as they come, and
 * nothing is turned into a frame and back. */
void stage_for_sockets(struct stage *s);
void stage_close(struct stage *s);
bool stage_has(const struct stage *s, int forwarder);
struct traffic *stage_traffic(const struct stage *s);
/* The program that sends frames. */
int stage_sender_fd(const struct stage *s);
/* Packets go to this one from now on. */
void stage_aim(struct stage *s, int forwarder);

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
