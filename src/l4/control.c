#include "l4/control.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "l4/addr.h"
#include "l4/neigh.h"
#include "l4/rate.h"
#include "l4/route.h"
#include "l4/xdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ASK_AGAIN_NS (5 * NS_PER_S) /* is a known MAC still used? */
#define ASK_FAST_NS (NS_PER_S / 2)  /* ... and of an unknown one */

struct control {
	struct control_config config;
	struct rules *rules;		/* owned */
	struct neigh *neigh;		/* owned; NULL: the driver does that */
	struct control_target *targets; /* owned */
	size_t ntargets;
	bool stale;	     /* what is known of servers is not applied yet */
	struct rates *rates; /* owned */
};

/* --- targets -----------------------------------------------------------------
 */

static struct control_target *
find_target(const struct control *c, const union l4_addr *addr)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (addr_same(&c->targets[i].addr, addr))
			return &c->targets[i];
	return NULL;
}

static void
find_route(struct control *c, struct control_target *t)
{
	struct route r;
	bool local = t->local;

	t->routed = !route_get(&t->addr, &r);
	if (!t->routed)
		return;
	t->ifindex = r.ifindex;
	t->on_link = r.on_link;
	t->local = r.local;
	t->via = r.via;
	if (!r.local && c->config.xdp)
		xdp_set_source(c->config.xdp, &r.source);
	c->stale |= local != t->local;
}

static void
want_target(struct control *c, const union l4_addr *addr)
{
	struct control_target *t = find_target(c, addr);

	if (!t) {
		c->targets =
			xrealloc(c->targets, (c->ntargets + 1) * sizeof(*t));
		t = &c->targets[c->ntargets++];
		*t = (struct control_target){.addr = *addr};
		find_route(c, t);
	}
	t->wanted = true;
}

static void
want_targets(struct control *c, const struct rules *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->ntargets; i++)
		c->targets[i].wanted = false;
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->services[i].nservers; k++)
			want_target(c, &r->services[i].servers[k].addr);
	for (size_t i = 0; i < c->ntargets; i++)
		if (c->targets[i].wanted)
			c->targets[kept++] = c->targets[i];
	c->ntargets = kept;
}

/* What is known of where the server is, into the rules. */
static void
locate(const struct control *c, struct rules_server *s)
{
	struct control_target *t = find_target(c, &s->addr);

	if (!t)
		return;
	/* An earlier process knew it, and until the kernel says otherwise it
	 * is still so. */
	if (!t->has_mac && s->resolved) {
		memcpy(t->mac, s->mac, sizeof(t->mac));
		t->has_mac = true;
	}
	s->local = t->local;
	/* Direct routing reaches only what is on the link. */
	s->resolved = t->routed && t->has_mac &&
		(t->on_link || s->method != L4_ROUTE);
	s->ifindex = (uint32_t)t->ifindex;
	s->mtu = c->config.mtu;
	memcpy(s->mac, t->mac, sizeof(s->mac));
}

/* A MAC address that tells the server by its last byte. */
static void
assume_all(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->services[i].nservers; k++) {
			struct rules_server *s = &r->services[i].servers[k];

			s->resolved = true;
			s->mtu = 65535;
			s->mac[5] = ((const uint8_t *)&s->addr)[15];
		}
}

static void
locate_all(struct control *c, struct rules *r)
{
	if (c->config.assume)
		assume_all(r);
	if (!c->config.xdp)
		return;
	want_targets(c, r);
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->services[i].nservers; k++)
			locate(c, &r->services[i].servers[k]);
}

/* --- changes
 * -------------------------------------------------------------------- */

int
control_change(
	struct control *c, int (*fn)(struct rules *r, void *arg), void *arg)
{
	const struct driver *d = &c->config.driver;
	struct rules *new = rules_copy(c->rules);
	int err = fn(new, arg);

	if (!err) {
		locate_all(c, new);
		err = d->ops->apply(d->ctx, c->rules, new);
	}
	if (err) {
		rules_free(new);
		return err;
	}
	rules_free(c->rules);
	c->rules = new;
	c->stale = false;
	return 0;
}

static int
no_change(struct rules *r, void *arg)
{
	return 0;
}

static void
apply_again(struct control *c)
{
	int err = control_change(c, no_change, NULL);

	if (err)
		log_error("rules_apply error=%s",
			log_quote(str_z(strerror(-err))).z);
}

/* --- neighbours
 * ------------------------------------------------------------------- */

static void
log_mac(const struct control_target *t)
{
	const uint8_t *m = t->mac;

	log_info("server_mac server=%s mac=%02x:%02x:%02x:%02x:%02x:%02x",
		addr_text(&t->addr).z, m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void
target_neigh(struct control *c, struct control_target *t,
	const struct neigh_entry *e)
{
	bool suspect = t->suspect;

	if (e->pending)
		return; /* no answer yet is not none */
	t->suspect = false;
	t->fixed = e->fixed;
	if (!e->resolved) {
		if (suspect && !t->no_arp)
			log_warn("server_no_arp server=%s",
				addr_text(&t->addr).z);
		t->no_arp |= suspect;
	} else if (!t->has_mac || memcmp(t->mac, e->mac, sizeof(t->mac))) {
		memcpy(t->mac, e->mac, sizeof(t->mac));
		t->has_mac = true;
		t->no_arp = false;
		c->stale = true;
		log_mac(t);
	} else if (suspect && !e->fixed) {
		/* Another machine may have the address by now. */
		(void)neigh_forget(c->neigh, &e->addr);
	}
}

static void
on_neigh(void *ctx, const struct neigh_entry *e)
{
	struct control *c = ctx;

	for (size_t i = 0; i < c->ntargets; i++)
		if (addr_same(&c->targets[i].via, &e->addr))
			target_neigh(c, &c->targets[i], e);
}

/* Has the kernel look for who is not known, and keep those who are fresh. */
static void
ask_targets(struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < c->ntargets; i++) {
		struct control_target *t = &c->targets[i];
		uint64_t wait_ns = t->has_mac ? ASK_AGAIN_NS : ASK_FAST_NS;

		if (now_ns - t->asked_ns < wait_ns)
			continue;
		t->asked_ns = now_ns;
		find_route(c, t);
		if (!t->routed || t->local)
			continue;
		t->suspect |= !t->has_mac;
		(void)neigh_use(c->neigh, &t->via);
		(void)neigh_ask(c->neigh, &t->via);
	}
}

/* --- open, run, tick
 * ---------------------------------------------------------------- */

int
control_open(const struct control_config *config, struct control **out)
{
	struct control *c = NEW(struct control);
	int err = 0;

	c->config = *config;
	c->rules = config->rules ? config->rules : rules_new();
	c->rates = rates_new();
	if (config->xdp)
		err = neigh_open(config->ifindex, on_neigh, c, &c->neigh);
	if (!err && c->rules->n)
		err = control_change(c, no_change, NULL);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void
control_close(struct control *c)
{
	if (!c)
		return;
	neigh_close(c->neigh);
	rules_free(c->rules);
	rates_free(c->rates);
	free(c->targets);
	free(c);
}

int
control_fd(const struct control *c)
{
	return c->neigh ? neigh_fd(c->neigh) : -1;
}

void
control_run(struct control *c)
{
	if (c->neigh)
		neigh_run(c->neigh);
	if (c->stale)
		apply_again(c);
}

void
control_tick(struct control *c)
{
	uint64_t now_ns = clock_mono_ns();

	if (c->config.xdp) {
		c->stale |= xdp_tick(c->config.xdp, c->rules, now_ns);
		ask_targets(c, now_ns);
	}
	rates_tick(c->rates, &c->config.driver, c->rules, now_ns);
	control_run(c);
}

const struct rules *
control_rules(const struct control *c)
{
	return c->rules;
}

const struct driver *
control_driver(const struct control *c)
{
	return &c->config.driver;
}

const struct control_target *
control_target(const struct control *c, const union l4_addr *addr)
{
	return find_target(c, addr);
}

/* --- health
 * ---------------------------------------------------------------------------
 */

void
control_set_health(struct control *c, const union l4_addr *addr,
	struct control_health found)
{
	for (size_t i = 0; i < c->rules->n; i++)
		for (size_t k = 0; k < c->rules->services[i].nservers; k++) {
			struct rules_service *s = &c->rules->services[i];
			struct rules_server *server = &s->servers[k];
			bool shares = server->share != found.share;

			if (!addr_same(&server->addr, addr))
				continue;
			c->stale |= server->down != found.down ||
				server->lost != found.lost || shares;
			s->changed |= shares;
			server->down = found.down;
			server->lost = found.lost;
			server->share = found.share;
		}
}

void
control_handshakes(const struct control *c, const union l4_addr *addr,
	struct driver_counts *out)
{
	const struct driver *d = &c->config.driver;

	for (size_t i = 0; i < c->rules->n; i++)
		for (size_t k = 0; k < c->rules->services[i].nservers; k++) {
			const struct rules_service *s = &c->rules->services[i];
			struct driver_counts one = {0};

			if (!addr_same(&s->servers[k].addr, addr))
				continue;
			d->ops->counts(d->ctx, s, &s->servers[k], &one);
			out->repeated += one.repeated;
			out->opened += one.opened;
		}
}

void
control_suspect(struct control *c, const union l4_addr *addr)
{
	struct control_target *t = find_target(c, addr);

	if (!t || !c->neigh)
		return;
	t->suspect = true;
	(void)neigh_ask(c->neigh, &t->via);
}

/* --- counters
 * ---------------------------------------------------------------------------
 */

void
control_counts(struct control *c, const struct rules_service *s,
	const struct rules_server *server, struct driver_counts *out,
	struct control_rate *rate)
{
	const struct driver *d = &c->config.driver;

	d->ops->counts(d->ctx, s, server, out);
	rates_server(c->rates, server, &out->stat, rate);
}

void
control_service_counts(struct control *c, const struct rules_service *s,
	struct l4_stat *out, struct control_rate *rate)
{
	rates_service(c->rates, &c->config.driver, c->rules, s, out, rate);
}

void
control_zero(struct control *c, const struct rules_service *s)
{
	rates_zero(c->rates, &c->config.driver, c->rules, s);
}
