#pragma once
/*
 * The MAC addresses of neighbours on one interface, IPv4's and IPv6's, from the
 * kernel's own neighbour table (rtnetlink). This module never sends ARP itself:
 * any traffic to a neighbour, such as a health check, or neigh_use(), makes the
 * kernel resolve it. What the table then says arrives on neigh_fd(), both
 * unasked when it changes and as the answer to neigh_ask(), and goes to the
 * callback from neigh_run().
 */
#include "l4/abi.h"

#include <net/ethernet.h>
#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;
struct neigh;

struct neigh_entry {
	int ifindex;
	union l4_addr addr;
	bool resolved; /* mac is known and not known to be wrong */
	bool pending;  /* the kernel is still asking, for the first time */
	bool fixed;    /* written by an administrator */
	uint8_t mac[ETH_ALEN];
};

typedef void (*neigh_fn)(void *ctx, const struct neigh_entry *entry);

/* 0 or negative errno, as all here that return int. */
int neigh_open(int ifindex, neigh_fn on_entry, void *ctx, struct neigh **out);
void neigh_close(struct neigh *n); /* NULL is fine */
/* Readable when neigh_run() has work. */
int neigh_fd(const struct neigh *n);
/* Never blocks. */
void neigh_run(struct neigh *n);
/* Asks what the table says; when it says nothing, no answer comes. */
int neigh_ask(struct neigh *n, const union l4_addr *addr);
/* Has the kernel find it out, or look whether it is still so. */
int neigh_use(struct neigh *n, const union l4_addr *addr);
/* Forgets the entry, so that the kernel asks everyone anew: the quick way to
 * a neighbour that has changed its MAC. */
int neigh_forget(struct neigh *n, const union l4_addr *addr);

/* False: not a neighbour's entry. */
bool neigh_parse(const struct nlmsghdr *h, struct neigh_entry *out);
