#include "l4/compile.h"

#include "base/check.h"
#include "base/mem.h"
#include "l4/core/sched.h"
#include "l4/fronts.h"
#include "l4/ring.h"
#include "l4/rules_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Thread_local struct l4_image *l4_image;

/* --- services
 * ------------------------------------------------------------------ */

/* Where the next service's parts go, in the half that is being written. */
struct place {
	struct l4_image *image; /* borrowed */
	uint32_t half, slots, rings;
	uint32_t has;
};

static uint16_t
depth_of(size_t n)
{
	uint16_t depth = 0;

	while ((1u << depth) < n)
		depth++;
	return depth;
}

static int
check_room(const struct rules *r)
{
	size_t slots = 0, rings = 0;

	for (size_t i = 0; i < r->n; i++) {
		enum l4_scheduler by = r->services[i].scheduler;

		slots += 1u << depth_of(r->services[i].nservers);
		rings += (RING_MAGLEV + 3u) & ~3u;
		if (by == L4_sh || by == L4_dh)
			rings += RING_HASH;
	}
	return slots > L4_SLOTS_MAX || rings > L4_RINGS_MAX ? -ENOSPC : 0;
}

static uint32_t
put_ring(struct place *p, const uint16_t *ring, uint32_t n)
{
	uint32_t at = p->rings;
	struct l4_ring *to =
		p->image->rings + p->half * (L4_RINGS_MAX / 4) + at / 4;

	for (uint32_t i = 0; i < n; i++)
		to[i / 4].slot[i % 4] = ring[i];
	p->rings += (n + 3) & ~3u;
	return at;
}

static void
put_rings(
	struct place *p, const struct rules_service *s, struct l4_service *out)
{
	uint16_t ring[RING_MAGLEV];

	ring_maglev(s, ring);
	out->spare_n = RING_MAGLEV;
	out->spare = put_ring(p, ring, RING_MAGLEV);
	if (s->scheduler == L4_mh) {
		out->ring = out->spare;
		out->ring_n = RING_MAGLEV;
	} else if (s->scheduler == L4_sh || s->scheduler == L4_dh) {
		ring_hash(s, s->scheduler == L4_sh, ring);
		out->ring_n = RING_HASH;
		out->ring = put_ring(p, ring, RING_HASH);
	}
}

/* The weight that counts, while the server begins slowly. */
static uint16_t
weight_of(const struct rules_server *s)
{
	uint32_t w = (uint32_t)s->weight * s->share / 1000;

	return (uint16_t)(s->weight && !w ? 1 : w);
}

static uint16_t
real_front(struct rules *r, const struct rules_service *s,
	const struct rules_server *server)
{
	struct rules_end e = {.addr = server->addr,
		.port = server->port,
		.proto = s->id.mark && s->nends ? s->ends[0].proto
						: s->id.proto};
	struct rules_front *f = server->method == L4_MASQ
		? fronts_find(r, &e, L4_FRONT_REAL)
		: NULL;

	return f ? f->number : 0;
}

static void
put_dest(struct place *p, struct rules *r, const struct rules_service *s,
	const struct rules_server *server, size_t slot)
{
	struct l4_dest *d =
		p->image->dests + p->half * L4_DESTS_MAX + server->number;
	bool up = server->resolved && !server->lost;

	*d = (struct l4_dest){
		.addr = server->addr,
		.port = htons(server->port),
		.ifindex = server->ifindex,
		.mtu = server->mtu,
		.service = s->number,
		.slot = (uint16_t)slot,
		.weight = weight_of(server),
		.method = (uint8_t)(server->local ? L4_LOCAL : server->method),
		.tun = (uint8_t)server->tun,
		.tun_port = htons(server->tun_port),
		.flags = (uint16_t)(L4_DEST_LIVE | (up ? L4_DEST_UP : 0) |
			(up && !server->down ? L4_DEST_OPEN : 0) |
			(server->tun_csum ? L4_DEST_CSUM : 0)),
		.front = real_front(r, s, server),
		.upper = server->upper,
		.lower = server->lower,
	};
	memcpy(d->mac, server->mac, sizeof(d->mac));
	if (server->method == L4_MASQ)
		p->has |= L4_HAS_NAT;
}

/* The front by which a mark's templates are known: the first of its ends. */
static uint16_t
mark_front(struct rules *r, const struct rules_service *s)
{
	struct rules_front *f =
		s->nends ? fronts_find(r, &s->ends[0], L4_FRONT_VIP) : NULL;

	return f ? f->number : 0;
}

static unsigned
gcd(unsigned a, unsigned b)
{
	/* The analyser forgets that a second server's weight was set. */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	return b ? gcd(b, a % b) : a;
}

/* wrr's step and largest weight: see ip_vs_wrr.c's mw, di. */
static void
put_weights(const struct rules_service *s, struct l4_service *out)
{
	uint32_t step = 0, most = 0;

	for (size_t i = 0; i < s->nservers; i++) {
		uint32_t w = weight_of(&s->servers[i]);

		step = gcd(w, step);
		most = w > most ? w : most;
	}
	step = step ? step : 1;
	out->gcd = (uint16_t)step;
	out->max = most > step - 1 ? most - (step - 1) : 0;
}

static void
put_slots(struct place *p, struct rules *r, struct rules_service *s)
{
	struct l4_slot *slots =
		p->image->slots + p->half * L4_SLOTS_MAX + p->slots;
	uint32_t n = 1u << depth_of(s->nservers);
	struct l4_pair *pairs =
		p->image->pairs + p->half * L4_SLOTS_MAX + p->slots;

	memset(slots, 0, n * sizeof(*slots));
	for (uint32_t i = 0; i < n; i++)
		pairs[i] =
			(struct l4_pair){{{.best.load = 1}, {.best.load = 1}}};
	for (size_t i = 0; i < s->nservers; i++) {
		slots[i].dest = s->servers[i].number;
		put_dest(p, r, s, &s->servers[i], i);
	}
	p->slots += n;
}

/* Who is at each place of the sum of weights, for twos. It is there to be
 * quick, so what is too large for a CPU's first cache, or for the room that
 * there is, isn't made. */
#define WEIGHTS_MAX 8192

static void
put_places(struct place *p, const struct rules_service *s)
{
	struct l4_service *out =
		p->image->services + p->half * L4_SERVICES_MAX + s->number;
	uint16_t ring[WEIGHTS_MAX + 1] = {0};
	uint32_t n = 0;

	if (s->scheduler != L4_twos)
		return;
	for (size_t i = 0; i < s->nservers; i++) {
		uint32_t w = weight_of(&s->servers[i]);

		if (n + w > WEIGHTS_MAX)
			return;
		/* the first one has place 0, too */
		for (; w; w--)
			ring[++n] = (uint16_t)(i + 1);
		ring[0] = ring[1];
	}
	if (!n || p->rings + n + 4 > L4_RINGS_MAX)
		return;
	out->ring = put_ring(p, ring, n + 1);
	out->ring_n = n;
}

static void
put_service(struct place *p, struct rules *r, struct rules_service *s)
{
	struct l4_service *out =
		p->image->services + p->half * L4_SERVICES_MAX + s->number;

	*out = (struct l4_service){
		.base = p->slots,
		.n = (uint16_t)s->nservers,
		.depth = depth_of(s->nservers),
		.scheduler = (uint8_t)s->scheduler,
		.proto = s->id.proto,
		.flags = s->flags,
		.persist = l4_image_ticks(s->persist_s),
		.front = mark_front(r, s),
		.mark = s->id.mark,
		.mask = s->mask,
	};
	put_weights(s, out);
	put_rings(p, s, out);
	put_slots(p, r, s);
	if (!s->id.mark && !s->id.port)
		p->has |= L4_HAS_ANY_PORT;
	for (size_t i = 0; i < s->nends; i++)
		if (!s->ends[i].port)
			p->has |= L4_HAS_ANY_PORT;
}

/* --- what schedulers remember
 * ----------------------------------------------------- */

/* Round robin goes on before a removed server's place: with the nearest one
 * before it that is still there. */
static uint32_t
last_kept(const struct l4_image *i, uint32_t old, uint32_t last,
	const struct rules_service *s)
{
	const struct l4_service *was =
		&i->services[old * L4_SERVICES_MAX + s->number];
	const struct l4_dest *d = &i->dests[old * L4_DESTS_MAX + last];
	uint32_t at = d->slot;

	if (d->service != s->number || at >= was->n)
		return 0;
	for (uint32_t k = at + 1; k-- > 0;) {
		uint16_t dest =
			i->slots[old * L4_SLOTS_MAX + was->base + k].dest;

		for (size_t n = 0; n < s->nservers; n++)
			if (s->servers[n].number == dest)
				return dest;
	}
	return 0;
}

static void
turn_wrr(struct l4_turn *t, const struct l4_service *s)
{
	t->last = 0;
	if (t->cw > (int32_t)s->max || !t->cw)
		t->cw = (int32_t)s->max;
	else if (s->gcd > 1)
		t->cw = t->cw / s->gcd * s->gcd + 1;
}

/* As if the servers had come one by one, the last in the list first. */
static void
turn_new(struct l4_turn *t, const struct rules_service *s)
{
	for (size_t k = s->nservers; k-- > 0;) {
		struct rules_service part = {
			.servers = s->servers + k, .nservers = s->nservers - k};
		struct l4_service weights;

		put_weights(&part, &weights);
		turn_wrr(t, &weights);
	}
}

static void
put_turn(struct place *p, struct rules_service *s)
{
	struct l4_turn *t = &p->image->turns[s->number];
	const struct l4_service *out =
		p->image->services + p->half * L4_SERVICES_MAX + s->number;

	if (s->created || s->rescheduled)
		*t = (struct l4_turn){.random = p->image->ctl->seed[0] | 1};
	if (s->created)
		turn_new(t, s);
	else if (s->rescheduled)
		t->cw = (int32_t)out->max;
	else if (s->changed && s->scheduler == L4_wrr)
		turn_wrr(t, out);
	else if (s->changed && s->nservers)
		t->last = last_kept(p->image, 1 - p->half, t->last, s);
	s->created = s->changed = s->rescheduled = false;
}

/* --- all
 * ----------------------------------------------------------------------------
 */

static void
refresh(const struct l4_image *i, uint32_t half)
{
	for (uint32_t n = 1; n < L4_SERVICES_MAX; n++) {
		const struct l4_service *s =
			&i->services[half * L4_SERVICES_MAX + n];

		for (uint32_t k = 0; k < s->n; k++) {
			uint32_t at = half * L4_SLOTS_MAX + s->base + k;
			uint16_t dest = i->slots[at].dest;
			struct l4_count *c = &i->counts[dest];
			const struct l4_dest *d =
				&i->dests[half * L4_DESTS_MAX + dest];

			c->overloaded = l4_overloaded(d, c);
			(void)l4_tree_leaf(half, s, d, c);
		}
		for (uint32_t k = s->n ? 1u << s->depth : 0; k-- > 1;)
			l4_tree_join(half, s, k);
	}
}

void
compile_refresh(struct l4_image *i)
{
	struct l4_image *before = l4_image;

	l4_image = i;
	refresh(i, i->ctl->generation & 1);
	l4_image = before;
}

static void
put_trash(struct place *p, const struct rules *r)
{
	for (size_t i = 0; i < r->ntrash; i++) {
		const struct rules_server *s = &r->trash[i].server;

		p->image->dests[p->half * L4_DESTS_MAX + s->number] =
			(struct l4_dest){.addr = s->addr,
				.port = htons(s->port),
				.method = (uint8_t)s->method};
	}
}

int
compile(struct rules *r, struct l4_image *i)
{
	uint32_t half = 1 - (i->ctl->generation & 1);
	struct place p = {.image = i, .half = half};
	int err = check_room(r);

	if (!err)
		err = fronts_place(r);
	if (!err)
		err = rules_text_put(r, i->notes + half * L4_NOTES_MAX);
	if (err)
		return err;
	memset(i->services + half * L4_SERVICES_MAX, 0,
		L4_SERVICES_MAX * sizeof(*i->services));
	memset(i->dests + half * L4_DESTS_MAX, 0,
		L4_DESTS_MAX * sizeof(*i->dests));
	fronts_put(r, i->fronts + half * L4_FRONTS_MAX);
	put_trash(&p, r);
	for (size_t k = 0; k < r->n; k++)
		put_service(&p, r, &r->services[k]);
	for (size_t k = 0; k < r->n; k++)
		put_places(&p, &r->services[k]);
	for (size_t k = 0; k < r->n; k++)
		put_turn(&p, &r->services[k]);
	i->ctl->has[half] = p.has;
	if (r->tcp_s)
		i->ctl->timeout[L4_ESTABLISHED] = l4_image_ticks(r->tcp_s);
	if (r->fin_s)
		i->ctl->timeout[L4_FIN_WAIT] = l4_image_ticks(r->fin_s);
	if (r->udp_s)
		i->ctl->timeout[L4_UDP] = l4_image_ticks(r->udp_s);
	l4_image = i;
	refresh(i, half);
	l4_barrier();
	*(volatile uint32_t *)&i->ctl->generation = i->ctl->generation + 1;
	/* What packets have changed meanwhile. */
	compile_refresh(i);
	return 0;
}

struct rules *
compile_read(const struct l4_image *i)
{
	return rules_text_get(
		i->notes + (i->ctl->generation & 1) * L4_NOTES_MAX);
}
