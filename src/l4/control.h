#pragma once
/*
 * The balancer's rules while it runs: changes them, all or nothing; finds out
 * where the servers are (routes and neighbours, as the kernel knows them); has
 * them carried out by a driver; and remembers what the counters were.
 *
 * When control_fd() is readable, call control_run(); ten times a second,
 * control_tick(). Not thread-safe.
 */
#include "l4/driver.h"

struct control;
struct xdp;

struct control_config {
	struct driver driver;
	struct xdp *xdp; /* borrowed; NULL: the driver finds servers itself */
	int ifindex;
	uint16_t mtu;	     /* of the interface; what is longer is not sent */
	bool assume;	     /* without looking: all servers can be sent to */
	struct rules *rules; /* taken: what there is already; NULL: none */
};

/* Where a server is, as far as is known. */
struct control_target {
	union l4_addr addr, via; /* via: the next hop's */
	int ifindex;
	bool routed, on_link, local;
	bool has_mac, fixed;
	bool suspect; /* did not answer: is its MAC still true? */
	bool no_arp;  /* that was logged already */
	uint8_t mac[6];
	uint64_t asked_ns;
	bool wanted;
};

/* 0 or negative errno; config->rules is freed then. */
int control_open(const struct control_config *config, struct control **out);
void control_close(struct control *c); /* NULL is fine */
/* To be polled, the control's; -1: there is nothing to poll. */
int control_fd(const struct control *c);
void control_run(struct control *c);
void control_tick(struct control *c);

/* Borrowed: the rules until the next change. */
const struct rules *control_rules(const struct control *c);
const struct driver *control_driver(const struct control *c);
/* fn changes a copy of the rules; when it and the driver agree, the copy takes
 * their place. 0, or what either said: then nothing has changed. */
int control_change(
	struct control *c, int (*fn)(struct rules *r, void *arg), void *arg);

/* What health checks found about a server, wherever it is one. */
struct control_health {
	bool down, lost; /* see struct rules_server */
	uint16_t share;	 /* of its weight that it is to have, in 1/1000 */
};
void control_set_health(struct control *c, const union l4_addr *addr,
	struct control_health found);
/* Adds up the handshakes with a server, of all services. */
void control_handshakes(const struct control *c, const union l4_addr *addr,
	struct driver_counts *out);
/* It did not answer: perhaps another machine has its address now. */
void control_suspect(struct control *c, const union l4_addr *addr);
/* NULL: not known (yet). */
const struct control_target *
control_target(const struct control *c, const union l4_addr *addr);

/* --- counters: of a server, of a service with those it had ------------------
 */

struct control_rate {
	double value[5]; /* connections, packets in and out, bytes; a second */
};

void control_counts(struct control *c, const struct rules_service *s,
	const struct rules_server *server, struct driver_counts *out,
	struct control_rate *rate);
void control_service_counts(struct control *c, const struct rules_service *s,
	struct l4_stat *out, struct control_rate *rate);
/* Counters begin again at zero: of a service, or of all (NULL). */
void control_zero(struct control *c, const struct rules_service *s);
