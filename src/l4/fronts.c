#include "l4/fronts.h"

#include "base/mem.h"
#include "l4/core/job.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static bool
same_front(const struct rules_front *f, const struct rules_end *e,
	enum l4_front_kind kind)
{
	return f->kind == kind && f->end.port == e->port &&
		f->end.proto == e->proto &&
		memcmp(&f->end.addr, &e->addr, sizeof(e->addr)) == 0;
}

struct rules_front *
fronts_find(struct rules *r, const struct rules_end *e, enum l4_front_kind kind)
{
	for (size_t i = 0; i < r->nfronts; i++)
		if (same_front(&r->fronts[i], e, kind))
			return &r->fronts[i];
	return NULL;
}

/* A front for the end, the old one if there is one. */
static struct rules_front *
want_front(struct rules *r, const struct rules_end *e, enum l4_front_kind kind,
	uint16_t service)
{
	struct rules_front *f = fronts_find(r, e, kind);

	if (!f) {
		r->fronts = xrealloc(r->fronts, (r->nfronts + 1) * sizeof(*f));
		f = &r->fronts[r->nfronts++];
		*f = (struct rules_front){.end = *e, .kind = kind};
	}
	if (service || !f->wanted)
		f->service = service;
	f->wanted = true;
	return f;
}

static void
want_vip(struct rules *r, const struct rules_end *e, uint16_t service)
{
	struct rules_end address = *e;

	(void)want_front(r, e, L4_FRONT_VIP, service);
	/* for fragments, which have no port */
	address.port = 0;
	if (e->port && !fronts_find(r, &address, L4_FRONT_VIP))
		(void)want_front(r, &address, L4_FRONT_VIP, 0);
	else if (e->port)
		fronts_find(r, &address, L4_FRONT_VIP)->wanted = true;
}

static void
want_real(struct rules *r, const struct rules_server *server, uint8_t proto)
{
	struct rules_end e = {
		.addr = server->addr, .port = server->port, .proto = proto};

	if (server->method == L4_MASQ)
		(void)want_front(r, &e, L4_FRONT_REAL, 0);
}

static void
want_service(struct rules *r, const struct rules_service *s)
{
	struct rules_end e = {
		.addr = s->id.addr, .port = s->id.port, .proto = s->id.proto};

	if (!s->id.mark)
		want_vip(r, &e, s->number);
	for (size_t i = 0; i < s->nends; i++)
		want_vip(r, &s->ends[i], s->number);
	for (size_t i = 0; i < s->nservers; i++) {
		if (!s->id.mark)
			want_real(r, &s->servers[i], s->id.proto);
		for (size_t k = 0; k < s->nends; k++)
			want_real(r, &s->servers[i], s->ends[k].proto);
	}
}

static void
drop_unwanted(struct rules *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nfronts; i++)
		if (r->fronts[i].wanted)
			r->fronts[kept++] = r->fronts[i];
	r->nfronts = kept;
}

static uint32_t
front_hash(const struct rules_front *f)
{
	return l4_front_hash(&f->end.addr, htons(f->end.port), f->end.proto);
}

/* A free place in its window; 0, which is nobody's, is none. */
static int
place_front(struct rules *r, struct rules_front *f)
{
	for (uint32_t k = 0; k < L4_FRONT_WINDOW; k++) {
		uint32_t at = (front_hash(f) + k) % L4_FRONTS_MAX;
		bool used = !at;

		for (size_t i = 0; i < r->nfronts; i++)
			used |= r->fronts[i].number == at;
		if (used)
			continue;
		f->number = (uint16_t)at;
		return 0;
	}
	return -ENOSPC;
}

int
fronts_place(struct rules *r)
{
	for (size_t i = 0; i < r->nfronts; i++)
		r->fronts[i].wanted = false;
	for (size_t i = 0; i < r->n; i++)
		want_service(r, &r->services[i]);
	drop_unwanted(r);
	for (size_t i = 0; i < r->nfronts; i++)
		if (!r->fronts[i].number && place_front(r, &r->fronts[i]))
			return -ENOSPC;
	return 0;
}

void
fronts_put(const struct rules *r, struct l4_front *half)
{
	memset(half, 0, L4_FRONTS_MAX * sizeof(*half));
	for (size_t i = 0; i < r->nfronts; i++) {
		const struct rules_front *f = &r->fronts[i];
		uint32_t at = front_hash(f);

		half[f->number] = (struct l4_front){.addr = f->end.addr,
			.port = htons(f->end.port),
			.proto = f->end.proto,
			.kind = (uint8_t)f->kind,
			.service = f->service};
		/* whoever looks for it must not stop before it */
		for (; at != f->number; at = (at + 1) % L4_FRONTS_MAX)
			if (half[at].kind == L4_FRONT_FREE)
				half[at].kind = L4_FRONT_WAS;
	}
}
