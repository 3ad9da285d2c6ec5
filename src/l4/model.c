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
	l4_job_start(j, i->ctl, 0);
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
	l4_job_start(&j, i->ctl, 0);
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
