#include "l4/model.h"

#include "l4/core/balance.h"

enum l4_verdict
model_run(struct l4_image *i, struct model_frame *f)
{
	struct l4_frame frame = {f->room, f->data, f->data + f->n};
	struct l4_tally *t = &i->tallies[0];
	struct l4_job *j = l4_job_of(t);
	enum l4_verdict v;

	l4_image = i;
	l4_job_start(j, i->ctl, 0, l4_now(i->ctl, t));
	v = l4_balance(&frame, j, i->ctl);
	t->verdict[v]++;
	f->data = frame.data;
	f->n = (size_t)(frame.end - frame.data);
	f->out = j->out;
	return v;
}

/* A reply's entry is over when its flow's is. */
static bool
reply_over(const struct l4_flow *e, uint64_t word)
{
	struct l4_key k = e->key;

	k.ends = l4_ends(k.ends & 0xffff, word & 0xffff, l4_word_dest(word),
		L4_KIND_FLOW);
	return !l4_lookup(&k);
}

static bool
over(const struct l4_job *j, const struct l4_flow *e, uint64_t word)
{
	struct l4_dest *d;

	if (l4_kind(&e->key) == L4_KIND_REPLY)
		return reply_over(e, word);
	d = l4_dest(j->half, l4_word_dest(word));
	return l4_expired(j->half, j->now, e, word) ||
		(d && (d->flags & L4_DEST_GONE));
}

uint32_t
model_sweep(struct l4_image *i, uint32_t from, uint32_t n)
{
	struct l4_job j;
	uint32_t used = 0;

	l4_image = i;
	l4_job_start(&j, i->ctl, 0, l4_now(i->ctl, i->tallies));
	for (uint32_t b = 0; b < n; b++)
		for (uint32_t k = 0; k < L4_WAYS; k++) {
			struct l4_flow *e =
				&i->buckets[(from + b) & i->ctl->bucket_mask]
					 .flow[k];
			uint64_t word = *(volatile uint64_t *)&e->word;

			if (!word || word == L4_BUSY)
				continue;
			if (!over(&j, e, word) || !l4_flow_end(j.half, e, word))
				used++;
		}
	return used;
}

/* --- growth ----------------------------------------------------------------
 */

static uint64_t
entries(const struct l4_image *i)
{
	uint64_t added = 0, ended = 0;

	for (uint32_t cpu = 0; cpu < i->n_tallies; cpu++) {
		added += i->tallies[cpu].added;
		ended += i->tallies[cpu].ended;
	}
	return added > ended ? added - ended : 0;
}

/* Claims a free entry of the bucket, from where the flow is looked for. */
static struct l4_flow *
claim(struct l4_bucket *b, uint64_t hash)
{
	for (uint32_t k = 0; k < L4_WAYS; k++) {
		struct l4_flow *f = &b->flow[(hash ^ k) & (L4_WAYS - 1)];

		if (!f->word &&
			__sync_bool_compare_and_swap(&f->word, 0, L4_BUSY))
			return f;
	}
	return NULL;
}

static void
release(struct l4_flow *f)
{
	f->key.ends = 0;
	l4_barrier();
	*(volatile __u64 *)&f->word = 0;
}

/* Until the copy is there, packets find and change the old entry: then it's
 * copied again. False: it ended meanwhile. */
static bool
copy(const struct l4_flow *old, struct l4_flow *new)
{
	uint64_t word = *(const volatile __u64 *)&old->word, now;

	new->key = old->key;
	for (;; word = now) {
		if (!word)
			return false;
		l4_barrier();
		if (word != L4_BUSY)
			*(volatile __u64 *)&new->word = word;
		now = __sync_val_compare_and_swap(
			(__u64 *)(uintptr_t)&old->word, word, L4_BUSY);
		if (now == word && word != L4_BUSY)
			return true;
	}
}

/* To where it belongs now. No room there: the entry ends, since what is in the
 * wrong place would never be found. */
static void
move(struct l4_job *j, struct l4_ctl *ctl, struct l4_flow *old)
{
	uint64_t word = *(volatile __u64 *)&old->word;
	uint64_t hash = l4_hash(ctl, &old->key);
	struct l4_bucket *to = l4_bucket(ctl->bucket_mask, hash);
	struct l4_flow *new;

	if (!word || word == L4_BUSY || to == l4_bucket(ctl->old_mask, hash))
		return;
	new = claim(to, hash);
	if (!new)
		(void)l4_flow_end(j->half, old, word);
	else
		release(copy(old, new) ? old : new);
}

void
model_grow(struct l4_image *i, uint32_t n)
{
	struct l4_ctl *ctl = i->ctl;
	uint64_t room = (uint64_t)L4_WAYS * (ctl->bucket_mask + 1);
	struct l4_job j;

	l4_image = i;
	l4_job_start(&j, ctl, 0, l4_now(ctl, i->tallies));
	if (ctl->old_mask == ctl->bucket_mask) {
		if (ctl->bucket_mask + 1 >= i->n_buckets ||
			entries(i) * 8 < room * 3)
			return;
		ctl->moved = 0;
		ctl->bucket_mask = ctl->bucket_mask * 2 + 1;
	}
	for (; n > 0 && ctl->moved <= ctl->old_mask; n--, ctl->moved++)
		for (uint32_t k = 0; k < L4_WAYS; k++)
			move(&j, ctl, &i->buckets[ctl->moved].flow[k]);
	if (ctl->moved > ctl->old_mask)
		ctl->old_mask = ctl->bucket_mask;
}
