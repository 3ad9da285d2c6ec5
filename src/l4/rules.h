#pragma once
/*
 * The rules of the balancer as an administrator has made them: virtual
 * services and their real servers, in IPVS's terms, order and limits. Pure
 * data: l4/compile.h turns it into what the packet program reads.
 *
 * Functions that return int: 0, or what IPVS says, as a negative errno:
 * -EEXIST, -ESRCH (no such service), -ENOENT (no such server), -EINVAL;
 * -ENOSPC when a limit of abi.h is reached. Nothing is changed then.
 */
#include "l4/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_PERSIST_S 360 /* IPVS's default */
#define RULES_TRASH_S 120   /* how long a removed server may come back */

/* What names a service: a mark, or a protocol, an address and a port. */
struct rules_id {
	uint32_t mark; /* 0: by address */
	bool v6;
	uint8_t proto;
	uint16_t port; /* host order, as all here */
	union l4_addr addr;
};

struct rules_end {
	union l4_addr addr;
	uint16_t port;
	uint8_t proto;
};

struct rules_server {
	union l4_addr addr;
	uint16_t port;
	uint16_t weight, last_weight; /* last: the last one but 0 */
	uint32_t upper, lower;
	enum l4_method method;
	enum l4_tun tun;
	uint16_t tun_port;
	bool tun_csum;

	uint16_t number; /* its destination's */
	uint16_t share;	 /* of its weight, in 1/1000: slow start */
	bool down;	 /* found so by a health check: nothing new for it */
	bool lost;	 /* and silent: its flows are to go elsewhere */
	bool local;	 /* an address of this machine */
	bool resolved;	 /* where to send is known: */
	uint8_t mac[6];
	uint16_t mtu;
	uint32_t ifindex;
	uint64_t removed_s; /* in the trash: since when */
};

struct rules_service {
	struct rules_id id;
	enum l4_scheduler scheduler;
	uint16_t flags; /* L4_PERSISTENT ... */
	uint32_t persist_s;
	union l4_addr mask;
	struct rules_end *ends; /* owned; what the mark stands for */
	size_t nends;
	struct rules_server *servers; /* owned; the newest first */
	size_t nservers;

	uint16_t number;
	/* since it was compiled: */
	bool created;
	bool changed;	  /* its servers */
	bool rescheduled; /* it has another scheduler */
};

/* A front that has its place: see abi.h. */
struct rules_front {
	struct rules_end end;
	enum l4_front_kind kind;
	uint16_t service, number;
	bool wanted;
};

struct rules {
	struct rules_service *services; /* owned; in the order of making */
	size_t n;
	struct rules_front *fronts; /* owned */
	size_t nfronts;
	/* Removed servers whose flows may still be there: owned. service is
	 * the number of theirs. */
	struct rules_trash {
		struct rules_id id;
		uint16_t service;
		struct rules_server server;
	} * trash;
	size_t ntrash;
	uint32_t tcp_s, fin_s, udp_s; /* timeouts; 0: the default */
};

struct rules *rules_new(void);
struct rules *rules_copy(const struct rules *r);
void rules_free(struct rules *r); /* NULL is fine */

bool rules_same_id(const struct rules_id *a, const struct rules_id *b);
/* Both: borrowed, until a change; NULL: there is none. */
struct rules_service *
rules_find(const struct rules *r, const struct rules_id *id);
struct rules_server *rules_server(const struct rules_service *s,
	const union l4_addr *addr, uint16_t port);

/* Takes id, scheduler, flags, persist_s and mask of s. */
int rules_add(struct rules *r, const struct rules_service *s);
int rules_edit(struct rules *r, const struct rules_service *s);
int rules_delete(struct rules *r, const struct rules_id *id, uint64_t now_s);
void rules_clear(struct rules *r, uint64_t now_s);
/* Takes what is above `number` in s. */
int rules_server_add(struct rules *r, const struct rules_id *id,
	const struct rules_server *s);
int rules_server_edit(struct rules *r, const struct rules_id *id,
	const struct rules_server *s);
int rules_server_delete(struct rules *r, const struct rules_id *id,
	const union l4_addr *addr, uint16_t port, uint64_t now_s);
/* What a mark stands for. */
int rules_end_add(
	struct rules *r, const struct rules_id *id, const struct rules_end *e);
int rules_end_delete(
	struct rules *r, const struct rules_id *id, const struct rules_end *e);
/* The trash's servers whose time is over and that have no flows (as the image's
 * counts say) are gone; those that have are `ending`. */
bool rules_sweep_trash(
	struct rules *r, const struct l4_count *counts, uint64_t now_s);

/* The scheduler of that name; L4_SCHEDULERS: none. */
enum l4_scheduler rules_scheduler(const char *name);
const char *rules_scheduler_name(enum l4_scheduler s);
