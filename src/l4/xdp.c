#include "l4/xdp.h"

#include "base/clock.h"
#include "base/mem.h"
#include "l4/addr.h"
#include "l4/balancer.h"
#include "l4/compile.h"
#include "l4/core/flow.h"
#include "l4/model.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_TICKS 300	   /* for all of the table */
#define GROW_BUCKETS 65536 /* that are emptied in a tick: some 20 ms */

struct xdp {
	struct l4_image *image; /* borrowed */
	bool live;
	uint64_t applied_ns;
	uint32_t sweep_at;	    /* the next bucket */
	uint64_t used, used_before; /* in this lap; in the last whole one */
	uint64_t refreshed_ns;
};

struct xdp *
xdp_new(struct l4_image *image, bool live)
{
	struct xdp *x = NEW(struct xdp);

	x->image = image;
	x->live = live;
	return x;
}

void
xdp_free(struct xdp *x)
{
	free(x);
}

static int
apply(void *ctx, const struct rules *old, struct rules *new)
{
	struct xdp *x = ctx;

	/* A packet may still be at work in the half that is to be written. */
	if (x->live && clock_mono_ns() - x->applied_ns < NS_PER_S)
		balancer_settle();
	x->applied_ns = clock_mono_ns();
	return compile(new, x->image);
}

static uint32_t
floor0(int32_t n)
{
	return n > 0 ? (uint32_t)n : 0;
}

static void
counts(void *ctx, const struct rules_service *s,
	const struct rules_server *server, struct driver_counts *out)
{
	const struct xdp *x = ctx;
	const struct l4_count *c = &x->image->counts[server->number];

	out->active = floor0(c->active);
	out->inactive = floor0(c->inactive);
	out->templates = c->templates;
	out->repeated = c->repeated;
	out->opened = c->opened;
	balancer_stat(x->image, server->number, &out->stat);
}

/* --- flows
 * --------------------------------------------------------------------- */

static const struct rules_service *
service_of(const struct rules *r, uint32_t number)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->services[i].number == number)
			return &r->services[i];
	return NULL;
}

/* The entry as IPVS would show it; false: it shows nothing of the kind. */
static bool
describe(const struct l4_image *i, const struct l4_job *j,
	const struct rules *r, const struct l4_flow *e, struct driver_flow *out)
{
	uint64_t w = e->word;
	const struct l4_front *front =
		l4_front(j->half, l4_ends_front(e->key.ends));
	const struct l4_dest *d = l4_dest(j->half, l4_word_dest(w));
	uint32_t kind = l4_kind(&e->key), life;

	if (!w || w == L4_BUSY || !front || !d ||
		(kind != L4_KIND_FLOW && kind != L4_KIND_TEMPLATE) ||
		l4_expired(j->half, j->now, e, w))
		return false;
	*out = (struct driver_flow){.proto = front->proto,
		.template = kind == L4_KIND_TEMPLATE,
		.vip = front->addr,
		.server = d->addr,
		.client_port = bpf_ntohs((uint16_t)e->key.ends),
		.vip_port = bpf_ntohs((uint16_t)(e->key.ends >> 16)),
		.server_port = bpf_ntohs(d->port)};
	memcpy(&out->client, e->key.client, sizeof(out->client));
	if (!out->server_port)
		out->server_port = out->vip_port;
	if (kind == L4_KIND_TEMPLATE) {
		const struct rules_service *s = service_of(r, front->service);

		life = s ? l4_image_ticks(s->persist_s) : 0;
		out->state = L4_NONE;
	} else {
		out->state = (enum l4_state)l4_word_state(w);
		out->packets = w >> 8 & 255;
		life = i->ctl->timeout[l4_word_state(w)];
	}
	life -= j->now - l4_seen(w) < life ? j->now - l4_seen(w) : life;
	out->left_s = (uint32_t)(((uint64_t)life << L4_TICK_SHIFT) / NS_PER_S);
	return true;
}

static void
flows(void *ctx, const struct rules *r, driver_flow_fn fn, void *arg)
{
	struct xdp *x = ctx;
	struct l4_job j;

	l4_image = x->image;
	l4_job_start(
		&j, x->image->ctl, 0, l4_now(x->image->ctl, x->image->tallies));
	for (uint32_t b = 0; b < x->image->n_buckets; b++)
		for (uint32_t k = 0; k < L4_WAYS; k++) {
			struct l4_flow e = x->image->buckets[b].flow[k];
			struct driver_flow f;

			if (e.word && describe(x->image, &j, r, &e, &f))
				fn(arg, &f);
		}
}

static uint32_t
seconds(const struct xdp *x, enum l4_state s)
{
	return (uint32_t)((((uint64_t)x->image->ctl->timeout[s] + 1)
				  << L4_TICK_SHIFT) /
		NS_PER_S);
}

static void
timeouts(void *ctx, uint32_t s[3])
{
	s[0] = seconds(ctx, L4_ESTABLISHED);
	s[1] = seconds(ctx, L4_FIN_WAIT);
	s[2] = seconds(ctx, L4_UDP);
}

static uint32_t
size(void *ctx)
{
	const struct xdp *x = ctx;

	return x->image->n_buckets * L4_WAYS / 2;
}

static const struct driver_ops ops = {
	.name = "xdp",
	.apply = apply,
	.counts = counts,
	.flows = flows,
	.timeouts = timeouts,
	.size = size,
};

struct driver
xdp_driver(struct xdp *x)
{
	return (struct driver){&ops, x};
}

/* --- what is to be done now and then
 * --------------------------------------------- */

/* A number that is free again begins with nothing. */
static void
forget(const struct xdp *x, const struct rules *before, const struct rules *r)
{
	for (size_t i = 0; i < before->ntrash; i++) {
		uint16_t n = before->trash[i].server.number;
		bool kept = false;

		for (size_t k = 0; k < r->ntrash; k++)
			kept |= r->trash[k].server.number == n;
		if (kept)
			continue;
		x->image->counts[n] = (struct l4_count){0};
		for (uint32_t at = n; at < x->image->n_stats;
			at += L4_DESTS_MAX)
			x->image->stats[at] = (struct l4_stat){0};
	}
}

bool
xdp_tick(struct xdp *x, struct rules *r, uint64_t now_ns)
{
	uint32_t used = x->image->ctl->bucket_mask + 1;
	uint32_t n = used / SWEEP_TICKS + 1;
	struct rules *before;
	bool changed;

	model_grow(x->image, GROW_BUCKETS);
	x->used += model_sweep(x->image, x->sweep_at, n);
	x->sweep_at += n;
	if (x->sweep_at >= used) {
		x->sweep_at = 0;
		x->used_before = x->used;
		x->used = 0;
	}
	if (now_ns - x->refreshed_ns < NS_PER_S)
		return false;
	x->refreshed_ns = now_ns;
	compile_refresh(x->image);
	if (!r->ntrash)
		return false;
	before = rules_copy(r);
	changed = rules_sweep_trash(r, x->image->counts, now_ns / NS_PER_S);
	if (changed)
		forget(x, before, r);
	rules_free(before);
	return changed;
}

void
xdp_set_source(struct xdp *x, const union l4_addr *source)
{
	if (addr_is4(source))
		x->image->ctl->own4 = *source;
	else if (source->d[0] || source->d[1])
		x->image->ctl->own6 = *source;
}

uint64_t
xdp_used(const struct xdp *x)
{
	return x->used_before;
}
