#pragma once
/*
 * Packets through the balancer, for tests: through the model, and, where this
 * process may load programs, through the XDP program by BPF_PROG_TEST_RUN as
 * well; both must say and do the same, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/balancer.h"
#include "l4/model.h"
#include "l4/test_frame.h"
#include "l4/test_rules.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define RIG_FLOWS 4096
#define RIG_ROOM 256

struct rig {
	struct rules *rules;
	struct l4_image model;
	struct balancer *balancer; /* NULL: the model alone */
	uint64_t now_s;
	int action; /* of the last packet */
	uint32_t out;
};

static inline struct l4_image *
rig_program(struct rig *r)
{
	return r->balancer ? balancer_image(r->balancer) : NULL;
}

static inline void
rig_clock(struct rig *r, double s)
{
	r->model.ctl->clock_ns = (uint64_t)(s * 1e9);
	if (r->balancer)
		rig_program(r)->ctl->clock_ns = r->model.ctl->clock_ns;
}

static inline void
rig_pass_time(struct rig *r, double s)
{
	rig_clock(r, (double)r->model.ctl->clock_ns / 1e9 + s);
}

/* Everything as at the start. */
static inline void
rig_reset(struct rig *r)
{
	struct l4_image *p = rig_program(r);

	rules_free(r->rules);
	r->rules = rules_new();
	l4_image_fini(&r->model);
	l4_image_init(&r->model, RIG_FLOWS);
	l4_image_start(&r->model);
	memcpy(r->model.ctl->mac, frame_own, ETH_ALEN);
	r->model.ctl->own4 = test_addr(0x0a0001fe, false);
	r->model.ctl->own6 = test_addr(0x0a0001fe, true);
	if (p) {
#define MAP(name, type, n) memset(p->name, 0, p->n_##name * sizeof(type));
#include "l4/maps.def"
#undef MAP
		*p->ctl = *r->model.ctl;
	}
	rig_clock(r, 1000);
}

static inline void
rig_open(struct rig *r)
{
	struct balancer_config config = {.flows = RIG_FLOWS};
	cpu_set_t one;

	*r = (struct rig){0};
	/* the model is CPU 0 */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	memcpy(config.mac, frame_own, ETH_ALEN);
	if (balancer_permitted() && !getenv("SEVENFOLD_NO_BPF"))
		assert_int_equal(balancer_open(&config, &r->balancer), 0);
	else
		print_message("SKIP: may not load BPF; the model alone\n");
	rig_reset(r);
}

static inline void
rig_close(struct rig *r)
{
	rules_free(r->rules);
	l4_image_fini(&r->model);
	balancer_close(r->balancer);
}

/* The rules into both. */
static inline int
rig_compile(struct rig *r)
{
	struct rules *copy = rules_copy(r->rules);
	int err = compile(r->rules, &r->model);

	if (r->balancer)
		assert_int_equal(compile(copy, rig_program(r)), err);
	rules_free(copy);
	return err;
}

static inline int
rig_action(enum l4_verdict v)
{
	static const int actions[] = {
#define VERDICT(name, action, text) XDP_##action,
#include "l4/verdicts.def"
#undef VERDICT
	};

	return v < L4_VERDICTS ? actions[v] : -1;
}

static inline void
rig_run_program(struct rig *r, const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b,
		.data_size_in = (uint32_t)in->n, .data_out = out->b,
		.data_size_out = sizeof(out->b));

	assert_int_equal(
		bpf_prog_test_run_opts(balancer_prog_fd(r->balancer), &opts),
		0);
	out->n = opts.data_size_out;
	r->action = (int)opts.retval;
}

/* What the program counted; -1: not one packet. */
static inline int
rig_counted(struct rig *r, const uint64_t before[L4_VERDICTS])
{
	uint64_t after[L4_VERDICTS];
	int v = -1;

	balancer_verdicts(rig_program(r), after);
	for (int i = 0; i < L4_VERDICTS; i++)
		if (after[i] != before[i])
			v = v < 0 && after[i] == before[i] + 1 ? i : -2;
	return v;
}

static inline enum l4_verdict
rig_run(struct rig *r, const struct frame *in, struct frame *out)
{
	uint8_t *room = malloc(RIG_ROOM + 2 + in->n);
	struct model_frame f = {room + RIG_ROOM + 2, room + 2, in->n, 0};
	uint64_t before[L4_VERDICTS];
	struct frame other;
	enum l4_verdict v;

	memcpy(f.data, in->b, in->n);
	v = model_run(&r->model, &f);
	out->n = f.n;
	memcpy(out->b, f.data, f.n);
	r->out = f.out;
	free(room);
	if (!r->balancer || in->n < 14)
		return v;
	balancer_verdicts(rig_program(r), before);
	rig_run_program(r, in, &other);
	assert_int_equal(rig_counted(r, before), v);
	if (!r->out)
		assert_int_equal(r->action, rig_action(v));
	if (rig_action(v) == XDP_DROP)
		return v;
	assert_int_equal(other.n, out->n);
	assert_memory_equal(other.b, out->b, out->n);
	return v;
}

static inline void
rig_sweep(struct rig *r)
{
	(void)model_sweep(&r->model, 0, r->model.n_buckets);
	if (r->balancer)
		(void)model_sweep(rig_program(r), 0, r->model.n_buckets);
}

/* Both have the same counts, and they are those of the flows in the table. */
static inline void
rig_check(struct rig *r)
{
	struct l4_image *m = &r->model, *p = rig_program(r);
	uint32_t flows = 0, counted = 0;

	for (uint32_t b = 0; b < m->n_buckets; b++)
		for (int k = 0; k < L4_WAYS; k++) {
			const struct l4_flow *f = &m->buckets[b].flow[k];

			flows += f->word && f->key.ends >> 48 == L4_KIND_FLOW;
		}
	for (uint32_t d = 0; d < L4_DESTS_MAX; d++)
		counted +=
			(uint32_t)(m->counts[d].active + m->counts[d].inactive);
	assert_int_equal(flows, counted);
	if (!p)
		return;
	assert_memory_equal(
		p->counts, m->counts, m->n_counts * sizeof(*m->counts));
	assert_memory_equal(
		p->stats, m->stats, L4_DESTS_MAX * sizeof(*m->stats));
	assert_memory_equal(p->turns, m->turns, m->n_turns * sizeof(*m->turns));
	assert_memory_equal(
		p->buckets, m->buckets, m->n_buckets * sizeof(*m->buckets));
	assert_memory_equal(p->pairs, m->pairs, m->n_pairs * sizeof(*m->pairs));
	assert_memory_equal(p->sets, m->sets, m->n_sets * sizeof(*m->sets));
}

/* A service for the usual end, with n servers 1.. of weight 1. */
static inline struct rules_id
rig_service(struct rig *r, const char *scheduler, uint8_t proto, bool v6,
	uint16_t flags)
{
	struct rules_service s = {
		.id = test_id(FRAME_VIP, FRAME_PORT, proto, v6),
		.scheduler = rules_scheduler(scheduler),
		.flags = flags,
		.persist_s = 360,
		.mask = test_mask(v6 ? 128 : 32, v6)};

	assert_int_equal(rules_add(r->rules, &s), 0);
	return s.id;
}

static inline void
rig_server(struct rig *r, const struct rules_id *id, uint8_t n, uint16_t weight)
{
	struct rules_server s = test_server(n, id->port, id->v6);

	s.weight = weight;
	assert_int_equal(rules_server_add(r->rules, id, &s), 0);
}

/* All anew: one service for TCP, of n servers. */
static inline struct rules_id
rig_start(struct rig *r, const char *scheduler, uint16_t flags, uint8_t n)
{
	struct rules_id id;

	rig_reset(r);
	id = rig_service(r, scheduler, IPPROTO_TCP, false, flags);
	for (uint8_t i = n; i >= 1; i--)
		rig_server(r, &id, i, 1);
	assert_int_equal(rig_compile(r), 0);
	return id;
}

static inline struct rules_server *
rig_find(struct rig *r, const struct rules_id *id, uint8_t n)
{
	union l4_addr a = test_addr(0x0a000100u + n, false);

	return rules_server(rules_find(r->rules, id), &a, id->port);
}

/* TCP and UDP services at the usual end, IPv4 and IPv6, of three servers. */
static inline void
rig_serve(struct rig *r, enum l4_method method, enum l4_tun tun, bool server_v6)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};

	rig_reset(r);
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1;
		struct rules_id id = rig_service(r, "rr", protos[i / 2], v6, 0);

		for (uint8_t n = 3; n >= 1; n--) {
			struct rules_server s = test_server(n,
				method == L4_MASQ ? 8080 : FRAME_PORT,
				method == L4_TUNNEL ? server_v6 : v6);

			s.method = method;
			s.tun = tun;
			s.tun_port = 6080;
			assert_int_equal(
				rules_server_add(r->rules, &id, &s), 0);
		}
	}
	assert_int_equal(rig_compile(r), 0);
}

/* The server, by the last byte of its address, that a packet was given to;
 * 0: none. */
static inline int
rig_send(struct rig *r, const struct frame_spec *spec, enum l4_verdict want)
{
	struct frame in = frame_make(spec), out;
	enum l4_verdict v = rig_run(r, &in, &out);

	if (v != want)
		fail_msg("wanted %s, got %s", balancer_verdict_name(want),
			balancer_verdict_name(v));
	return rig_action(v) == XDP_TX ? out.b[5] : 0;
}

static inline int
rig_tcp(struct rig *r, uint16_t port, uint8_t flags, enum l4_verdict want)
{
	struct frame_spec spec = {.client_port = port, .flags = flags};

	return rig_send(r, &spec, want);
}

static inline int
rig_tcp_from(struct rig *r, uint32_t client, uint16_t port, uint8_t flags,
	enum l4_verdict want)
{
	struct frame_spec spec = {
		.client = client, .client_port = port, .flags = flags};

	return rig_send(r, &spec, want);
}
