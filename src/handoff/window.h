#pragma once
/*
 * struct window: has sockets begin with the congestion window that their
 * connection had elsewhere: this process's end of bpf/window.bpf.c, which is
 * attached to the process's control group (version 2).
 */
#include "handoff/abi.h"

#include <netinet/in.h>

struct window;

/* vip6: zero if there is none. Negative errno. */
int window_open(struct in_addr vip, const struct in6_addr *vip6,
	uint16_t vip_port, struct window **out);
void window_close(struct window *w); /* NULL is fine */
void
window_set(struct window *w, const struct handoff_key *key, uint32_t segments);
void window_clear(struct window *w, const struct handoff_key *key);
