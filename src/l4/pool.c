#include "l4/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/balancer.h"
#include "l4/neigh.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct pool {
	struct pool_config config;
	int epoll;	       /* owned; over neigh and health */
	struct neigh *neigh;   /* owned */
	struct health *health; /* owned */
	size_t n;
	struct pool_node *nodes; /* owned */
};

static void
update(struct pool *p, size_t i, bool new_mac)
{
	struct pool_node *n = &p->nodes[i];
	bool use = n->has_mac && health_up(p->health, i);
	int err;

	if (use == n->used && !(use && new_mac))
		return;
	err = balancer_set(p->config.balancer, i, n->mac, use);
	if (err)
		log_error("map_update node=%s error=%s", n->name,
			log_quote(str_z(strerror(-err))).z);
	n->used = use;
}

static void
on_check(void *ctx, size_t i, int err, enum health_change change)
{
	struct pool *p = ctx;
	struct pool_node *n = &p->nodes[i];
	uint64_t now_ns = clock_mono_ns();

	if (change == HEALTH_UP)
		log_info("node_up node=%s", n->name);
	else if (change == HEALTH_DOWN)
		log_info("node_down node=%s after=%.2fs reason=%s", n->name,
			(double)(now_ns - n->good_ns) / (double)NS_PER_S,
			log_quote(str_z(strerror(err))).z);
	if (!err) {
		n->good_ns = now_ns;
		n->no_arp = false;
	}
	n->suspect = err == ETIMEDOUT || err == EHOSTUNREACH;
	(void)neigh_ask(p->neigh, n->addr);
	update(p, i, false);
}

static void
log_mac(const struct pool_node *n)
{
	const uint8_t *m = n->mac;

	log_info("node_mac node=%s mac=%02x:%02x:%02x:%02x:%02x:%02x", n->name,
		m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void
node_neigh(struct pool *p, size_t i, const struct neigh_entry *e)
{
	struct pool_node *n = &p->nodes[i];
	bool suspect = n->suspect;
	char addr[INET_ADDRSTRLEN];

	n->suspect = false;
	if (!e->resolved) {
		if (suspect && !n->no_arp)
			log_warn("node_no_arp node=%s address=%s", n->name,
				inet_ntop(
					AF_INET, &n->addr, addr, sizeof(addr)));
		n->no_arp |= suspect;
	} else if (!n->has_mac || memcmp(n->mac, e->mac, ETH_ALEN)) {
		memcpy(n->mac, e->mac, ETH_ALEN);
		n->has_mac = true;
		log_mac(n);
		update(p, i, true);
	} else if (suspect && !e->fixed) {
		/* Another machine may have the address by now. */
		(void)neigh_forget(p->neigh, e->addr);
	}
}

static void
on_neigh(void *ctx, const struct neigh_entry *e)
{
	struct pool *p = ctx;

	for (size_t i = 0; i < p->n; i++)
		if (p->nodes[i].addr.s_addr == e->addr.s_addr)
			node_neigh(p, i, e);
}

static int
open_health(struct pool *p)
{
	struct health_config check = p->config.check;
	own_free struct sockaddr_in *targets = xcalloc(p->n, sizeof(*targets));

	check.on_check = on_check;
	check.ctx = p;
	for (size_t i = 0; i < p->n; i++)
		targets[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_addr = p->nodes[i].addr,
			.sin_port = htons(p->config.port),
		};
	return health_open(&check, targets, p->n, &p->health);
}

static int
watch(struct pool *p, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int
setup(struct pool *p)
{
	int err = neigh_open(p->config.ifindex, on_neigh, p, &p->neigh);

	if (!err)
		err = open_health(p);
	if (err)
		return err;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return -errno;
	err = watch(p, neigh_fd(p->neigh));
	return err ? err : watch(p, health_fd(p->health));
}

int
pool_open(const struct pool_config *config, const struct pool_node *nodes,
	size_t n, struct pool **out)
{
	struct pool *p = NEW(struct pool);
	uint64_t now_ns = clock_mono_ns();
	int err;

	p->config = *config;
	p->epoll = -1;
	p->n = n;
	p->nodes = xcalloc(n, sizeof(*p->nodes));
	for (size_t i = 0; i < n; i++)
		p->nodes[i] = (struct pool_node){.name = nodes[i].name,
			.addr = nodes[i].addr,
			.good_ns = now_ns};
	err = setup(p);
	if (err) {
		pool_close(p);
		return err;
	}
	*out = p;
	return 0;
}

void
pool_close(struct pool *p)
{
	if (!p)
		return;
	own_fd_(&p->epoll);
	health_close(p->health);
	neigh_close(p->neigh);
	free(p->nodes);
	free(p);
}

int
pool_fd(const struct pool *p)
{
	return p->epoll;
}

void
pool_run(struct pool *p)
{
	/* The answers to what the checks ask may be there at once. */
	health_run(p->health);
	neigh_run(p->neigh);
}

const struct pool_node *
pool_node(const struct pool *p, size_t i)
{
	return &p->nodes[i];
}
