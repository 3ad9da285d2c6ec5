#pragma once
/*
 * struct park: packets of connections that are being moved. The program that
 * steers (bpf/steer.bpf.c) sends them out on a TAP device, from which they are
 * read here, kept for as long as it says so, and written back: then the program
 * sees them again, and they go where their connection has gone.
 *
 * Any thread may call these, but for park_on_readable().
 */
#include "handoff/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>
#include <stdint.h>

struct park;

struct park_config {
	unsigned nic; /* whose MAC address it has, and MTU */
	/* May packets of that flow leave? From any thread. */
	bool (*is_settled)(void *user, const struct handoff_key *key);
	void *user;
};

/* Negative errno. */
int park_open(const struct park_config *config, struct park **out);
void park_close(struct park *p); /* NULL is fine */
unsigned park_ifindex(const struct park *p);
const uint8_t *park_mac(const struct park *p); /* 6 bytes */
/* Of a neighbour of the nic's, as far as the kernel knows it; else it is left
 * alone. */
void
park_find_mac(const struct park *p, struct in_addr neighbour, uint8_t out[6]);
/* The program counts what it sends here, from now on in *parked. */
void park_watch(struct park *p, const uint64_t *parked);
int park_fd(const struct park *p); /* to be polled; the park's */
void park_on_readable(struct park *p);
/* That flow is settled: what there is of it leaves now. */
void park_flush(struct park *p, const struct handoff_key *key);
/* As if it had come from the network. */
void park_inject(struct park *p, const void *frame, size_t n);
/* Drops what has been here for longer than a second. */
void park_sweep(struct park *p, uint64_t now_ns);
/* How many are here, and how many were dropped, ever. */
size_t park_count(struct park *p);
uint64_t park_dropped(struct park *p);
