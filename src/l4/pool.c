#include "l4/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAR_NS (NS_PER_S / 2)
#define REPEATED_MIN 3 /* SYNs, and no connection that came about */
#define SHARE_ALL 1000
#define SHARE_STEPS 20 /* of a slow start */

struct pool {
	struct pool_config config;
	struct health *health; /* owned */
	size_t n;
	struct pool_node *nodes; /* owned */
};

/* Of its weight, in 1/1000, after so long. */
static uint16_t
share(const struct pool *p, const struct pool_node *n, uint64_t now_ns)
{
	uint64_t slow_ns = p->config.slow_start_ns;
	uint64_t step = slow_ns ? (now_ns - n->up_ns) * SHARE_STEPS / slow_ns
				: SHARE_STEPS;

	if (!n->up_ns || step >= SHARE_STEPS)
		return SHARE_ALL;
	return (uint16_t)((step + 1) * SHARE_ALL / SHARE_STEPS);
}

static void
tell(struct pool *p, const struct pool_node *n, uint64_t now_ns)
{
	control_set_health(p->config.control, &n->addr,
		(struct control_health){.down = !n->up,
			.lost = n->lost,
			.share = share(p, n, now_ns)});
}

static void
log_change(struct pool_node *n, enum health_change change, int err,
	uint64_t now_ns)
{
	if (change == HEALTH_UP)
		log_info("node_up node=%s", n->name);
	else if (change == HEALTH_DOWN)
		log_info("node_down node=%s after=%.2fs reason=%s", n->name,
			(double)(now_ns - n->good_ns) / (double)NS_PER_S,
			log_quote(str_z(health_reason(err))).z);
}

static void
on_check(void *ctx, size_t i, int err, enum health_change change)
{
	struct pool *p = ctx;
	struct pool_node *n = &p->nodes[i];
	uint64_t now_ns = clock_mono_ns();
	bool silent = err == ETIMEDOUT || err == EHOSTUNREACH, lost;

	log_change(n, change, err, now_ns);
	if (!err)
		n->good_ns = now_ns;
	if (silent)
		control_suspect(p->config.control, &n->addr);
	if (change != HEALTH_SAME) {
		/* At the start all come at once, and none begins slowly. */
		n->up_ns = change == HEALTH_UP && n->up_ns ? now_ns : 0;
		n->up = change == HEALTH_UP;
		if (!n->up)
			n->up_ns = 1;
	}
	lost = !n->up && silent;
	if (change == HEALTH_SAME && lost == n->lost)
		return;
	n->lost = lost;
	tell(p, n, now_ns);
}

/* What the node's clients' packets say, twice a second. */
static void
hear(struct pool *p, size_t i, uint64_t now_ns)
{
	struct pool_node *n = &p->nodes[i];
	struct driver_counts c = {0};
	bool mute;

	if (now_ns - n->heard_ns < HEAR_NS)
		return;
	control_handshakes(p->config.control, &n->addr, &c);
	mute = n->heard_ns && c.repeated - n->repeated >= REPEATED_MIN &&
		c.opened == n->opened;
	n->repeated = c.repeated;
	n->opened = c.opened;
	n->heard_ns = now_ns;
	if (!mute || !n->up)
		return;
	log_info("node_mute node=%s hint=\"SYNs are repeated, none is "
		 "answered\"",
		n->name);
	health_suspect(p->health, i);
}

void
pool_tick(struct pool *p)
{
	uint64_t now_ns = clock_mono_ns();

	for (size_t i = 0; i < p->n; i++) {
		struct pool_node *n = &p->nodes[i];

		hear(p, i, now_ns);
		if (!n->up || !n->up_ns)
			continue;
		tell(p, n, now_ns);
		if (share(p, n, now_ns) == SHARE_ALL)
			n->up_ns = 0;
	}
}

static struct sockaddr_in
target(const struct pool *p, const struct pool_node *n)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = n->addr.w[3],
		.sin_port = htons(p->config.port),
	};
}

int
pool_open(const struct pool_config *config, const struct pool_node *nodes,
	size_t n, struct pool **out)
{
	struct pool *p = NEW(struct pool);
	int err;

	p->config = *config;
	p->config.check.on_check = on_check;
	p->config.check.ctx = p;
	err = health_open(&p->config.check, NULL, 0, &p->health);
	if (err) {
		pool_close(p);
		return err;
	}
	for (size_t i = 0; i < n; i++)
		pool_add(p, &nodes[i]);
	*out = p;
	return 0;
}

void
pool_add(struct pool *p, const struct pool_node *node)
{
	struct sockaddr_in addr = target(p, node);

	p->nodes = xrealloc(p->nodes, (p->n + 1) * sizeof(*p->nodes));
	p->nodes[p->n++] = (struct pool_node){.name = node->name,
		.addr = node->addr,
		.good_ns = clock_mono_ns()};
	health_add(p->health, &addr);
}

size_t
pool_count(const struct pool *p)
{
	return p->n;
}

void
pool_close(struct pool *p)
{
	if (!p)
		return;
	health_close(p->health);
	free(p->nodes);
	free(p);
}

int
pool_fd(const struct pool *p)
{
	return health_fd(p->health);
}

void
pool_run(struct pool *p)
{
	health_run(p->health);
}

void
pool_suspect(struct pool *p, size_t i)
{
	log_info("node_suspect node=%s", p->nodes[i].name);
	health_suspect(p->health, i);
}

const struct pool_node *
pool_node(const struct pool *p, size_t i)
{
	return &p->nodes[i];
}
