#include "l4/redirect.h"

#include "l4/core/state.h"

#include <assert.h>

enum { TRIES = 16 /* against packets that change the word, too */ };

static struct l4_flow *
find(const struct l4_job *j, const struct redirect_flow *f)
{
	struct l4_key k = {
		.client = {f->client.d[0], f->client.d[1]},
		.ends = l4_ends(bpf_htons(f->client_port),
			bpf_htons(f->vip_port), j->front, L4_KIND_FLOW),
	};

	return l4_lookup(&k);
}

static bool
is_direct(const struct l4_dest *d)
{
	return d && d->method == L4_ROUTE;
}

static bool
may_serve(const struct l4_job *j, const struct l4_dest *d)
{
	const struct l4_front *front = l4_front(j->half, j->front);

	return is_direct(d) && front && d->service == front->service &&
		(d->flags & L4_DEST_LIVE) && (d->flags & L4_DEST_UP);
}

static_assert(REDIRECT_LASTING <= L4_PACKETS_MAX, "or there are none");

static bool
is_in_midst(const struct l4_job *j, const struct l4_flow *e, uint64_t word,
	uint8_t packets)
{
	return word != L4_BUSY && l4_word_state(word) == L4_ESTABLISHED &&
		(word >> 8 & 255) >= packets &&
		!l4_expired(j->half, j->now, e, word) &&
		is_direct(l4_dest(j->half, l4_word_dest(word)));
}

/* Whoever changes the word counts: so do we, if it is us. */
static enum redirect
change(struct l4_job *j, struct l4_flow *e, const struct redirect_flow *f)
{
	uint16_t server = f->server;

	for (int i = 0; i < TRIES; i++) {
		uint64_t old = *(volatile __u64 *)&e->word, new;
		uint32_t from = l4_word_dest(old);

		if (!is_in_midst(j, e, old, f->packets))
			return REDIRECT_no_flow;
		if (from == server)
			return REDIRECT_same;
		if (f->from && from != f->from)
			return REDIRECT_elsewhere;
		new = (old & ~(0xffffull << 16)) | (uint64_t)server << 16;
		if (!__sync_bool_compare_and_swap(&e->word, old, new))
			continue;
		l4_count(j->half, from, -1, 0);
		l4_count(j->half, server, 1, 0);
		return REDIRECT_done;
	}
	return REDIRECT_busy;
}

enum redirect
redirect_flow(struct l4_image *i, const struct redirect_flow *f)
{
	struct l4_flow *e;
	struct l4_job j;

	l4_image = i;
	l4_job_start(&j, i->ctl, 0, l4_now(i->ctl, i->tallies));
	j.front = l4_front_find(j.half, &f->vip, bpf_htons(f->vip_port),
		IPPROTO_TCP, L4_FRONT_VIP);
	e = j.front ? find(&j, f) : NULL;
	if (!e)
		return REDIRECT_no_flow;
	if (!may_serve(&j, l4_dest(j.half, f->server)))
		return REDIRECT_no_server;
	return change(&j, e, f);
}
