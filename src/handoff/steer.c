#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <steer.skel.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "handoff/repair.h"
#include "handoff/steer_internal.h"

enum {
	SWEEP_FLOWS = 4096, /* looked at in one step */
};

int
steer_open(
	const struct steer_config *config, struct steer **out, const char **why)
{
	struct steer *s = NEW(struct steer);
	int err;

	s->config = *config;
	segment_open(&s->sender);
	s->expiry = expiry_new(CLOSED_MS * NS_PER_MS);
	err = steer_load(s, why);
	if (err) {
		steer_close(s);
		return err;
	}
	(void)window_open(
		config->vip, &config->vip6, config->vip_port, &s->window);
	*out = s;
	return 0;
}

void
steer_close(struct steer *s)
{
	if (!s)
		return;
	steer_unload(s);
	window_close(s->window);
	expiry_free(s->expiry);
	segment_close(&s->sender);
	free(s);
}

int
steer_xdp(const struct steer *s)
{
	return s->xdp;
}

/* --- flows ---------------------------------------------------------------- */

struct handoff_key
steer_key(const struct snapshot *s)
{
	struct handoff_key key = {.port = htons(s->client_port)};

	memcpy(key.client, &s->client, sizeof(key.client));
	return key;
}

int
steer_park(struct steer *s, const struct handoff_key *key,
	struct handoff_flow *before)
{
	struct handoff_flow f = {
		.used_ns = clock_mono_ns(), .way = HANDOFF_PARK};
	/* Most have none before. */
	int err = bpf_map_update_elem(
		s->flows, key, &f, before ? BPF_NOEXIST : BPF_ANY);

	if (!before || err != -EEXIST)
		return err;
	err = bpf_map_lookup_elem(s->flows, key, before);
	f.node = before->node;
	f.id = before->id; /* or its turn to be looked at would pass it by */
	memcpy(f.mac, before->mac, sizeof(f.mac));
	if (!err)
		err = bpf_map_update_elem(s->flows, key, &f, BPF_ANY);
	return err ? err : 1;
}

/* From now on. If that can't be noted they are for our own TCP, which tells the
 * client. */
static int
settle(struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *f)
{
	int err = bpf_map_update_elem(s->flows, key, f, BPF_ANY);

	if (err)
		(void)bpf_map_delete_elem(s->flows, key);
	park_flush(s->park, key);
	return err;
}

void
steer_back(struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *before)
{
	(void)settle(s, key, before);
}

int
steer_forward(
	struct steer *s, const struct snapshot *given, struct in_addr node)
{
	struct handoff_key key = steer_key(given);
	uint64_t now_ns = clock_mono_ns();
	struct handoff_flow f = {.used_ns = now_ns,
		.way = HANDOFF_FORWARD,
		.node = node.s_addr,
		.seq = given->rcv_nxt,
		.ack = given->snd_nxt,
		.id = expiry_add(s->expiry, &key, now_ns)};

	if (!addr_is_v4(&given->client) || !s->xdp)
		park_find_mac(s->park, node, f.mac);
	return settle(s, &key, &f);
}

static void
prime(struct steer *s, const struct snapshot *snapshot)
{
	uint8_t frame[PRIMER_MAX];
	size_t n = snapshot_primer(snapshot, park_mac(s->park), frame);

	park_inject(s->park, frame, n);
}

void
steer_ours(struct steer *s, const struct handoff_key *key,
	const struct snapshot *primed)
{
	(void)bpf_map_delete_elem(s->flows, key);
	if (primed && primed->timestamps)
		prime(s, primed);
	park_flush(s->park, key);
}

bool
steer_stamp(struct steer *s, const struct handoff_key *key, uint32_t rcv_nxt,
	uint32_t *stamp)
{
	struct handoff_stamp last;

	if (bpf_map_lookup_elem(s->stamps, key, &last) < 0 ||
		last.end != rcv_nxt)
		return false;
	*stamp = last.tsval;
	return true;
}

void
steer_window(struct steer *s, const struct handoff_key *key, uint32_t segments)
{
	if (s->window && segments > REPAIR_INITIAL_WINDOW)
		window_set(s->window, key, segments);
}

void
steer_window_done(
	struct steer *s, const struct handoff_key *key, uint32_t segments)
{
	if (s->window && segments > REPAIR_INITIAL_WINDOW)
		window_clear(s->window, key);
}

/* --- house-keeping -------------------------------------------------------- */

int
steer_fd(const struct steer *s)
{
	return park_fd(s->park);
}

void
steer_on_readable(struct steer *s)
{
	park_on_readable(s->park);
}

/* What is parked whoever parked it sees to. */
static bool
is_over(const struct steer *s, const struct handoff_flow *f, uint64_t now_ns)
{
	uint64_t idle_ns =
		f->closing ? CLOSED_MS * NS_PER_MS : s->config.idle_ns;

	return f->way == HANDOFF_FORWARD && now_ns > f->used_ns + idle_ns;
}

/* False: none is due. */
static bool
sweep_one(struct steer *s, uint64_t now_ns)
{
	struct expiry_flow e;
	struct handoff_flow f;

	if (!expiry_next(s->expiry, now_ns, &e))
		return false;
	if (bpf_map_lookup_elem(s->flows, &e.key, &f) < 0 || f.id != e.id)
		return true;
	if (is_over(s, &f, now_ns))
		(void)bpf_map_delete_elem(s->flows, &e.key);
	else
		expiry_again(s->expiry, e, now_ns);
	return true;
}

void
steer_sweep(struct steer *s, uint64_t now_ns)
{
	park_sweep(s->park, now_ns);
	steer_search(s, now_ns);
	for (int i = 0; i < SWEEP_FLOWS && sweep_one(s, now_ns); i++)
		;
}

static uint64_t
sum(int map, uint32_t key)
{
	int cpus = libbpf_num_possible_cpus();
	own_free uint64_t *v = NULL;
	uint64_t total = 0;

	if (cpus < 0)
		return 0;
	v = xcalloc((size_t)cpus, sizeof(*v));
	if (bpf_map_lookup_elem(map, &key, v) == 0)
		for (int i = 0; i < cpus; i++)
			total += v[i];
	return total;
}

void
steer_counts(struct steer *s, struct steer_counts *out)
{
	*out = (struct steer_counts){
		.flows = expiry_count(s->expiry),
		.parked = park_count(s->park),
		.park_dropped = park_dropped(s->park),
		.windows = s->window,
	};
	for (uint32_t i = 0; i < HANDOFF_VERDICTS; i++)
		out->verdict[i] = sum(bpf_map__fd(s->skel->maps.steered), i);
}
