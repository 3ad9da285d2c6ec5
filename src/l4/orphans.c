#include "l4/orphans.h"

#include "l4/core/state.h"

static bool
is_orphan(const struct l4_job *j, const struct l4_flow *e, uint64_t word,
	uint16_t server)
{
	const struct l4_dest *d = l4_dest(j->half, server);

	return word && word != L4_BUSY && l4_kind(&e->key) == L4_KIND_FLOW &&
		l4_word_dest(word) == server &&
		l4_word_state(word) == L4_ESTABLISHED &&
		!l4_expired(j->half, j->now, e, word) && d &&
		d->method == L4_ROUTE;
}

/* False: its entry has changed hands meanwhile. */
static bool
describe(const struct l4_job *j, const struct l4_flow *e, struct orphan *out)
{
	const struct l4_front *front =
		l4_front(j->half, l4_ends_front(e->key.ends));

	if (!front || front->proto != IPPROTO_TCP)
		return false;
	*out = (struct orphan){.client.d = {e->key.client[0], e->key.client[1]},
		.vip = front->addr,
		.client_port = bpf_ntohs((uint16_t)e->key.ends),
		.vip_port = bpf_ntohs((uint16_t)(e->key.ends >> 16))};
	return true;
}

bool
orphans_find(struct l4_image *i, uint16_t server, uint32_t from, uint32_t n,
	orphan_fn fn, void *ctx)
{
	uint32_t end = i->ctl->bucket_mask + 1;
	struct orphan o;
	struct l4_job j;

	l4_image = i;
	l4_job_start(&j, i->ctl, 0, l4_now(i->ctl, i->tallies));
	for (; from < end && n > 0; from++, n--)
		for (uint32_t k = 0; k < L4_WAYS; k++) {
			struct l4_flow e = i->buckets[from].flow[k];

			if (is_orphan(&j, &e, e.word, server) &&
				describe(&j, &e, &o))
				fn(ctx, &o);
		}
	return from < end;
}
