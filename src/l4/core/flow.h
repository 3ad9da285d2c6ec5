#pragma once
/*
 * The flow table. A flow is in one bucket of eight entries, looked for from an
 * entry of its own on, then in the other one of that cache line, then in the
 * line beside it: mostly one line is read. Nothing here
 * waits or locks: an entry changes hands by compare-and-swap of its word, and
 * whoever wins does the counting, so counts don't drift.
 *
 * Nothing runs at the moment when an entry's time is over. It is then as good
 * as free, and its counts are put right by whoever finds it: the packet that
 * looks for it or needs the room (insert.h), or the process's sweep.
 */
#include "l4/core/tree.h"

#define L4_BUSY 1ull /* word of an entry that is being written */

/* --- words ---------------------------------------------------------------- */

static __always_inline __u32
l4_seen(__u64 word)
{
	return (__u32)(word >> 32);
}

static __always_inline __u32
l4_word_dest(__u64 word)
{
	return word >> 16 & 0xffff;
}

static __always_inline __u32
l4_word_state(__u64 word)
{
	return word & 15;
}

static __always_inline __u32
l4_word_flags(__u64 word)
{
	return word >> 4 & 15;
}

static __always_inline __u64
l4_word(__u32 seen, __u32 dest, __u32 packets, __u32 flags, __u32 state)
{
	return (__u64)seen << 32 | (__u64)dest << 16 | (__u64)packets << 8 |
		flags << 4 | state;
}

static __always_inline __u32
l4_kind(const struct l4_key *k)
{
	return (__u32)(k->ends >> 48);
}

static __always_inline __u64
l4_ends(__u32 client_port, __u32 port, __u32 front, enum l4_kind kind)
{
	return client_port | (__u64)port << 16 | (__u64)front << 32 |
		(__u64)kind << 48;
}

static __always_inline __u32
l4_ends_front(__u64 ends)
{
	return ends >> 32 & 0xffff;
}

static __always_inline bool
l4_active(__u32 state)
{
	return (1u << L4_ESTABLISHED | 1u << L4_SYN_SENT | 1u << L4_SYN_RECV |
		       1u << L4_SYNACK) >>
		state &
		1;
}

/* --- counts --------------------------------------------------------------- */

/* IPVS's thresholds: over at u, under again below l, or three quarters of u. */
static __always_inline __u32
l4_overloaded(const struct l4_dest *d, const struct l4_count *c)
{
	__u32 all = (__u32)(c->active + c->inactive);
	__u32 lower = d->lower ? d->lower : d->upper - d->upper / 4;

	if (!d->upper)
		return 0;
	return all >= d->upper ? 1 : all < lower ? 0 : c->overloaded;
}

/* Adds to a destination's connections, and tells the scheduler. */
static __always_inline void
l4_count_for(__u32 half, const struct l4_service *s, const struct l4_dest *d,
	struct l4_count *c, int active, int inactive)
{
	__u32 over;

	if (active)
		__sync_fetch_and_add(&c->active, active);
	if (inactive)
		__sync_fetch_and_add(&c->inactive, inactive);
	if (!(d->flags & L4_DEST_LIVE) || !(d->upper || l4_by_load(s)))
		return;
	over = l4_overloaded(d, c);
	if (over != c->overloaded)
		c->overloaded = over;
	l4_tree_update(half, s, d, c);
}

L4_STEP int
l4_count(__u32 half, __u32 dest, int active, int inactive)
{
	struct l4_count *c = dest < L4_DESTS_MAX ? at_counts(dest) : NULL;
	struct l4_dest *d = l4_dest(half, dest);
	struct l4_service *s = d ? l4_service(half, d->service) : NULL;

	if (c && s)
		l4_count_for(half, s, d, c, active, inactive);
	return 0;
}

/* --- time ----------------------------------------------------------------- */

/* How long the entry may be idle, in ticks. */
static __always_inline __u32
l4_lifetime(__u32 half, const struct l4_flow *f, __u64 word)
{
	__u32 kind = l4_kind(&f->key);
	struct l4_ctl *ctl = at_ctl(0);
	struct l4_front *front;
	struct l4_service *s;

	if (!ctl)
		return 0;
	if (kind == L4_KIND_FLOW || kind == L4_KIND_FRAGMENT)
		return ctl->timeout[l4_word_state(word)];
	if (kind != L4_KIND_TEMPLATE || word & 0xffff)
		return ~0u; /* a template that controls flows stays */
	front = l4_front(half, l4_ends_front(f->key.ends));
	s = front ? l4_service(half, front->service) : NULL;
	return s ? s->persist : 0;
}

/* Of a reply's fragments, whose word has room for half of the time only. */
static __always_inline bool
l4_fragment_expired(__u32 now, __u64 word)
{
	struct l4_ctl *ctl = at_ctl(0);

	return ctl && (__u16)(now - (word >> 48)) > ctl->timeout[L4_FRAGMENT];
}

/* Replies' entries end with their flow: see the sweep. */
static __always_inline bool
l4_expired(__u32 half, __u32 now, const struct l4_flow *f, __u64 word)
{
	if (l4_kind(&f->key) == L4_KIND_REPLY_FRAGMENT)
		return l4_fragment_expired(now, word);
	return (__s32)(now - l4_seen(word)) > 0 &&
		l4_kind(&f->key) != L4_KIND_REPLY &&
		now - l4_seen(word) > l4_lifetime(half, f, word);
}

/* Whether the time in an entry is worth writing again. Where many flows have
 * few packets each, the table would be written to memory as often as it's read;
 * so a time may be late by a 64th of what the entry may live, and by a second
 * at most. */
static __always_inline bool
l4_stale(const struct l4_ctl *ctl, __u64 word, __u32 now)
{
	__u32 slack = ctl->timeout[l4_word_state(word)] >> 6;

	return now - l4_seen(word) > (slack < 15 ? slack : 15);
}

/* --- finding -------------------------------------------------------------- */

static __always_inline __u64
l4_hash(const struct l4_ctl *ctl, const struct l4_key *k)
{
	__u64 h = ctl->seed[0];

	h = (h ^ k->client[0]) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ k->client[1]) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 29 ^ k->ends ^ ctl->seed[1]) * 0x94d049bb133111ebull;
	return h ^ h >> 31;
}

static __always_inline struct l4_bucket *
l4_bucket(__u32 mask, __u64 hash)
{
	return at_buckets((__u32)(hash >> 3) & mask);
}

/* The bucket's entries in the order in which they are looked at. Linux 6.1's
 * verifier forgets how large the place is, and so wants the mask that the
 * compiler would leave out. */
static __always_inline struct l4_flow *
l4_way(struct l4_bucket *b, __u64 start, __u64 i)
{
	__u64 at = start ^ i;

	__asm__("" : "+r"(at));
	return &b->flow[at & (L4_WAYS - 1)];
}

static __always_inline __u64
l4_key_change(const struct l4_key *a, const struct l4_key *b)
{
	return (a->ends ^ b->ends) | (a->client[1] ^ b->client[1]) |
		(a->client[0] ^ b->client[0]);
}

/* Which of the two entries of a line it is, without a guess: where many flows
 * are, a wrong one costs as much as the memory it waits for. */
static __always_inline struct l4_flow *
l4_flow_near(struct l4_bucket *b, __u64 hash, const struct l4_key *k)
{
	__u64 start = hash & (L4_WAYS - 1);
	__u64 change = l4_key_change(&b->flow[start].key, k);
	struct l4_flow *f;

	change |= -change;
	__asm__("" : "+r"(change)); /* or it becomes a jump */
	f = l4_way(b, start, change >> 63);
	return l4_key_change(&f->key, k) ? NULL : f;
}

static __always_inline struct l4_flow *
l4_flow_find(struct l4_bucket *b, __u64 hash, const struct l4_key *k)
{
	__u64 start = hash & (L4_WAYS - 1);

#pragma GCC unroll 8
	for (__u64 i = 0; i < L4_WAYS; i++) {
		struct l4_flow *f = &b->flow[start ^ i];

		if (f->key.ends == k->ends &&
			f->key.client[1] == k->client[1] &&
			f->key.client[0] == k->client[0])
			return f;
	}
	return NULL;
}

/* All entries of a bucket, where most likely none is the one. In their order in
 * memory, so that each costs but a load and a comparison. */
static __always_inline struct l4_flow *
l4_flow_scan(struct l4_bucket *b, const struct l4_key *k)
{
#pragma GCC unroll 8
	for (__u64 i = 0; i < L4_WAYS; i++) {
		struct l4_flow *f = &b->flow[i];

		if (f->key.ends == k->ends &&
			f->key.client[1] == k->client[1] &&
			f->key.client[0] == k->client[0])
			return f;
	}
	return NULL;
}

/* While the table grows, an entry may still be where it was. It's copied before
 * it's removed there, so who looks in this order finds it. */
static __always_inline struct l4_flow *
l4_lookup_hash(const struct l4_ctl *ctl, const struct l4_key *k, __u64 hash)
{
	struct l4_bucket *b = l4_bucket(ctl->bucket_mask, hash);
	struct l4_flow *f = b ? l4_flow_find(b, hash, k) : NULL;

	if (f || ctl->old_mask == ctl->bucket_mask)
		return f;
	b = l4_bucket(ctl->old_mask, hash);
	return b ? l4_flow_find(b, hash, k) : NULL;
}

/* The same, for the short cut. */
static __always_inline struct l4_flow *
l4_lookup_in(const struct l4_ctl *ctl, const struct l4_key *k)
{
	__u64 hash = l4_hash(ctl, k);
	struct l4_bucket *b = l4_bucket(ctl->bucket_mask, hash);
	struct l4_flow *f = b ? l4_flow_near(b, hash, k) : NULL;

	if (!f && b)
		f = l4_flow_scan(b, k);
	if (f || ctl->old_mask == ctl->bucket_mask)
		return f;
	b = l4_bucket(ctl->old_mask, hash);
	return b ? l4_flow_scan(b, k) : NULL;
}

static __always_inline struct l4_flow *
l4_lookup(const struct l4_key *k)
{
	struct l4_ctl *ctl = at_ctl(0);

	return ctl ? l4_lookup_hash(ctl, k, l4_hash(ctl, k)) : NULL;
}

/* --- ending --------------------------------------------------------------- */

static __always_inline void
l4_mask(const union l4_addr *mask, const __u64 client[2], __u64 out[2])
{
	out[0] = client[0] & mask->d[0];
	out[1] = client[1] & mask->d[1];
}

/* The key of the template that speaks for a flow of the service. */
static __always_inline void
l4_template_key(__u32 half, const struct l4_service *s,
	const struct l4_key *flow, struct l4_key *out)
{
	__u32 front = l4_ends_front(flow->ends);
	struct l4_front *f = l4_front(half, front);
	__u32 port = f ? f->port : 0;

	if (s->flags & L4_BY_MARK) {
		front = s->front;
		port = 0;
	}
	if (s->flags & L4_VIA_FTP)
		port = 0;
	l4_mask(&s->mask, flow->client, out->client);
	out->ends = l4_ends(0, port, front, L4_KIND_TEMPLATE);
}

/* A flow that the template controls is gone. */
L4_STEP int
l4_template_release(__u32 half, const struct l4_key *flow)
{
	struct l4_front *front;
	struct l4_service *s;
	struct l4_key k = {0};
	struct l4_flow *t;
	__u64 w;

	if (!flow)
		return 0;
	front = l4_front(half, l4_ends_front(flow->ends));
	s = front ? l4_service(half, front->service) : NULL;
	if (!s || !(s->flags & L4_PERSISTENT))
		return 0;
	l4_template_key(half, s, flow, &k);
	t = l4_lookup(&k);
	if (!t)
		return 0;
	w = t->word;
	if (w & 0xffff)
		__sync_val_compare_and_swap(&t->word, w, w - 1);
	return 0;
}

static __always_inline void
l4_tally_end(void)
{
	struct l4_tally *t = at_tallies(this_cpu());

	if (t)
		__sync_fetch_and_add(&t->ended, 1);
}

/* Frees an entry whose word was `word`, and does the counting. False: someone
 * was faster. */
L4_STEP int
l4_flow_end(__u32 half, struct l4_flow *f, __u64 word)
{
	struct l4_key key;
	__u32 kind, dest = l4_word_dest(word);
	struct l4_count *c;
	bool active;

	if (!f || word == L4_BUSY ||
		__sync_val_compare_and_swap(&f->word, word, L4_BUSY) != word)
		return false;
	key = f->key;
	kind = l4_kind(&key);
	f->key.ends = 0;
	l4_barrier();
	*(volatile __u64 *)&f->word = 0;
	l4_tally_end();
	if (kind == L4_KIND_FLOW) {
		active = l4_active(l4_word_state(word));
		l4_count(half, dest, -active, active - 1);
		if (l4_word_flags(word) & L4_FLOW_TEMPLATED)
			l4_template_release(half, &key);
	} else if (kind == L4_KIND_TEMPLATE) {
		c = at_counts(dest);
		if (c)
			__sync_fetch_and_add(&c->templates, -1);
	}
	return true;
}
