#include <bpf/bpf.h>
#include <string.h>

#include "base/clock.h"
#include "handoff/steer_internal.h"

enum {
	SEARCH_FLOWS = 8192, /* looked at in one step */
	PASSES = 2,
	/* What a process that was killed has left behind is closed by then. */
	FIRST_MS = 200,
	AGAIN_MS = 1000,
};

void
steer_reset(struct steer *s, const struct snapshot *lost)
{
	struct handoff_key key = steer_key(lost);
	struct segment rst = {
		.kind = SEGMENT_RST,
		.from = lost->local,
		.to = lost->client,
		.from_port = lost->local_port,
		.to_port = lost->client_port,
		.seq = lost->snd_nxt,
		.ack = lost->rcv_nxt,
	};

	segment_send(&s->sender, &rst);
	steer_ours(s, &key, NULL);
}

void
steer_lost(
	struct steer *s, struct in_addr node, bool host_dead, uint64_t now_ns)
{
	struct steer_search *found = &s->searches[0];

	for (int i = STEER_SEARCHES; i-- > 0;)
		if (!s->searches[i].passes)
			found = &s->searches[i];
	for (int i = 0; i < STEER_SEARCHES; i++)
		if (s->searches[i].node.s_addr == node.s_addr)
			found = &s->searches[i];
	*found = (struct steer_search){.node = node,
		.host_dead = host_dead,
		.passes = PASSES,
		.due_ns = now_ns + (host_dead ? 0 : FIRST_MS * NS_PER_MS)};
	steer_search(s, now_ns);
}

/* A segment that the client has had: it says so, to whoever has its connection.
 * A kernel that knows of none resets it, with the right numbers, which only the
 * client knows; where it had one there was nothing but a repetition. */
static void
tickle(const struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *f)
{
	struct segment old = {
		.kind = SEGMENT_ACK,
		.from_port = s->config.vip_port,
		.to_port = ntohs(key->port),
		.seq = f->ack - 1,
		.ack = f->seq,
	};

	memcpy(&old.to, key->client, sizeof(old.to));
	old.from = addr_is_v4(&old.to) ? addr_mapped(s->config.vip)
				       : s->config.vip6;
	segment_send(&s->sender, &old);
}

void
steer_ask(const struct steer *s, const struct snapshot *asked)
{
	struct handoff_key key = steer_key(asked);
	struct handoff_flow f = {.seq = asked->rcv_nxt, .ack = asked->snd_nxt};

	tickle(s, &key, &f);
}

/* Where nobody answers there any more, we do. */
static void
ask_client(struct steer *s, const struct handoff_key *key,
	const struct steer_search *p)
{
	struct handoff_flow f;

	if (bpf_map_lookup_elem(s->flows, key, &f) < 0 ||
		f.way != HANDOFF_FORWARD || f.node != p->node.s_addr)
		return;
	if (p->host_dead)
		(void)bpf_map_delete_elem(s->flows, key);
	tickle(s, key, &f);
}

/* False: the pass is over. */
static bool
search_some(struct steer *s, struct steer_search *p)
{
	struct handoff_key key;

	/* If the one that we were at has gone it begins anew: nobody minds to
	 * be asked twice. */
	for (int i = 0; i < SEARCH_FLOWS; i++) {
		if (bpf_map_get_next_key(
			    s->flows, p->begun ? &p->at : NULL, &key) < 0)
			return false;
		if (p->begun)
			ask_client(s, &p->at, p);
		p->at = key;
		p->begun = true;
	}
	return true;
}

static void
search(struct steer *s, struct steer_search *p, uint64_t now_ns)
{
	if (search_some(s, p))
		return;
	if (p->begun)
		ask_client(s, &p->at, p);
	p->begun = false;
	p->passes--;
	p->due_ns = now_ns + AGAIN_MS * NS_PER_MS;
}

void
steer_search(struct steer *s, uint64_t now_ns)
{
	for (int i = 0; i < STEER_SEARCHES; i++)
		if (s->searches[i].passes && s->searches[i].due_ns <= now_ns)
			search(s, &s->searches[i], now_ns);
}
