#pragma once
/*
 * A new entry of the flow table: in a free place of its bucket or, where there
 * is none, in place of another one.
 */
#include "l4/core/flow.h"

/* Whom to do without first. Packets that anyone can forge, and many do, only
 * take the room of what is about to end. */
enum l4_rank {
	L4_RANK_FREE, /* nobody is there */
	L4_RANK_OVER,
	L4_RANK_FRAGMENT,
	L4_RANK_CLOSING,
	L4_RANK_HALF_OPEN,
	L4_RANK_UDP,
	L4_RANK_OPEN,
	L4_RANK_KEEP
};

static __always_inline __u32
l4_rank(__u32 half, __u32 now, const struct l4_flow *f, __u64 word)
{
	__u32 kind = l4_kind(&f->key), state = l4_word_state(word);

	if (word == L4_BUSY)
		return L4_RANK_KEEP;
	if (l4_expired(half, now, f, word))
		return L4_RANK_OVER;
	if (kind == L4_KIND_FRAGMENT || kind == L4_KIND_REPLY_FRAGMENT)
		return L4_RANK_FRAGMENT;
	if (kind != L4_KIND_FLOW)
		return L4_RANK_OPEN;
	if (state == L4_SYN_RECV || state == L4_NONE)
		return L4_RANK_HALF_OPEN;
	if (state == L4_UDP)
		return L4_RANK_UDP;
	return l4_active(state) ? L4_RANK_OPEN : L4_RANK_CLOSING;
}

/* Makes the free entry f that of k. False: someone was faster. */
static __always_inline bool
l4_flow_put(struct l4_tally *t, struct l4_flow *f, const struct l4_key *k,
	__u64 word)
{
	if (__sync_val_compare_and_swap(&f->word, 0, L4_BUSY) != 0)
		return false;
	f->key = *k;
	l4_barrier();
	*(volatile __u64 *)&f->word = word;
	t->added++;
	return true;
}

/* An entry for k, with this word, in place of what ranks at most so high.
 * False: there is no room. Does not count.
 *
 * The best score is kept in memory, where the verifier forgets what it knows of
 * it: it would follow every combination of eight ranks, and give up. */
L4_STEP int
l4_flow_add(struct l4_job *j, const struct l4_key *k, __u64 word, __u32 rank)
{
	struct l4_ctl *ctl = at_ctl(0);
	volatile __u64 *best;
	__u64 hash, old;
	struct l4_bucket *b;
	struct l4_tally *t;
	struct l4_flow *f;
	__u64 start;

	if (!ctl || !j || !k)
		return false;
	hash = l4_hash(ctl, k);
	start = hash & (L4_WAYS - 1);
	b = l4_bucket(ctl->bucket_mask, hash);
	t = at_tallies(j->cpu);
	if (!b || !t)
		return false;
	best = &t->scratch;
	*best = ~0ull;
	for (__u64 i = 0; i < L4_WAYS; i++) {
		__u64 w, score;

		f = l4_way(b, start, i);
		w = f->word;
		if (!w) { /* the first that is free: none is better */
			*best = i;
			break;
		}
		score = (__u64)l4_rank(j->half, j->now, f, w) << 40 |
			(__u64)l4_seen(w) << 8 | i;
		if (score < *best)
			*best = score;
	}
	if (*best >> 40 > rank)
		return false;
	f = l4_way(b, start, *best);
	old = f->word;
	if (old && !l4_flow_end(j->half, f, old))
		return false;
	return l4_flow_put(t, f, k, word);
}

/* The same, for j->key. Mostly one of the first two entries is free, which
 * takes no call. */
static __always_inline bool
l4_flow_add_near(struct l4_job *j, const struct l4_ctl *ctl, struct l4_tally *t,
	__u64 word, __u32 rank)
{
	const struct l4_key *k = &j->key;
	__u64 hash = l4_hash(ctl, k), start = hash & (L4_WAYS - 1);
	struct l4_bucket *b = l4_bucket(ctl->bucket_mask, hash);
	__u64 taken;

	if (!b)
		return false;
	taken = b->flow[start].word;
	taken |= -taken;
	__asm__("" : "+r"(taken)); /* or it becomes a jump */
	return l4_flow_put(t, l4_way(b, start, taken >> 63), k, word) ||
		l4_flow_add(j, k, word, rank);
}
