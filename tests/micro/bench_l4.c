/*
 * What a packet costs in the layer-4 balancer, by BPF_PROG_TEST_RUN, beside a
 * program that only swaps MAC addresses and beside itself on the kernel's LRU
 * hash; and how the targets are met:
 *
 *	bench_l4 [--json] [--quick]
 *
 * Each figure is the median of short rounds, so that other work on the machine
 * does little harm. Exits with 1 when a target is missed.
 */
#include "base/check.h"
#include "base/mem.h"
#include "l4/compile.h"
#include "l4/model.h"
#include "l4/test_frame.h"
#include "l4/test_rules.h"

#include <bench.skel.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <lru.skel.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ROUND 20000 /* packets in a round */
#define FEW 10000
#define MANY 1000000

struct rotate {
	uint32_t at, flows, base, step, flags, pad;
};

struct rig {
	struct l4_image image;
	struct rotate *rotate;
	int prog;
};

static unsigned rounds = 41;
static bool json, failed;

static void *
map_of(const struct bpf_map *m, size_t n)
{
	void *p = mmap(NULL, (n + 4095) & ~(size_t)4095, PROT_READ | PROT_WRITE,
		MAP_SHARED, bpf_map__fd(m), 0);

	if (p == MAP_FAILED) {
		perror("bench_l4: mmap");
		exit(1);
	}
	return p;
}

#define SIZE(skel, i, flows)                                                   \
	do {                                                                   \
		l4_image_size(i, (uint32_t)libbpf_num_possible_cpus(), flows); \
		bpf_map__set_max_entries((skel)->maps.stats, (i)->n_stats);    \
		bpf_map__set_max_entries(                                      \
			(skel)->maps.tallies, (i)->n_tallies);                 \
		bpf_map__set_max_entries(                                      \
			(skel)->maps.buckets, (i)->n_buckets);                 \
	} while (0)

static void
no_rights(int err)
{
	printf("SKIP: can't load the program: %s\n", strerror(-err));
	exit(77);
}

static void
begin(struct rig *r)
{
	l4_image_start(&r->image);
	memcpy(r->image.ctl->mac, frame_own, ETH_ALEN);
	r->image.ctl->new_max = UINT32_MAX;
	*r->rotate = (struct rotate){
		.flows = 1, .base = 0x0a000000, .step = 1, .flags = ACK};
}

static struct bench_bpf *
open_bench(struct rig *r, uint64_t flows)
{
	struct bench_bpf *s = bench_bpf__open();
	int err;

	SIZE(s, &r->image, flows);
	err = bench_bpf__load(s);
	if (err)
		no_rights(err);
#define MAP(name, type, n) \
	r->image.name = map_of(s->maps.name, r->image.n_##name * sizeof(type));
#include "l4/maps.def"
#undef MAP
	r->rotate = map_of(s->maps.rotation, sizeof(*r->rotate));
	begin(r);
	return s;
}

static struct lru_bpf *
open_lru(struct rig *r)
{
	struct lru_bpf *s = lru_bpf__open();
	int err;

	SIZE(s, &r->image, 1);
	err = lru_bpf__load(s);
	if (err)
		no_rights(err);
#define MAP(name, type, n) \
	r->image.name = map_of(s->maps.name, r->image.n_##name * sizeof(type));
#include "l4/maps.def"
#undef MAP
	r->rotate = map_of(s->maps.rotation, sizeof(*r->rotate));
	begin(r);
	return s;
}

static void
put_rules(struct rig *r, const char *scheduler, unsigned nodes)
{
	struct rules *rules = rules_new();
	struct rules_service s = {
		.id = test_id(FRAME_VIP, FRAME_PORT, IPPROTO_TCP, false),
		.scheduler = rules_scheduler(scheduler),
		.flags = L4_HASH_PORT,
		.mask = test_mask(32, false)};

	CHECK(!rules_add(rules, &s));
	for (unsigned i = 0; i < nodes; i++) {
		struct rules_server server = test_server(1, FRAME_PORT, false);

		server.addr = test_addr(0x0a010000 + i, false);
		/* ovf wants room for all */
		server.weight =
			(uint16_t)(s.scheduler == L4_ovf ? 65535 : 1 + i % 5);
		CHECK(!rules_server_add(rules, &s.id, &server));
	}
	CHECK(!compile(rules, &r->image));
	rules_free(rules);
}

/* ns of one packet. */
static uint32_t
run(const struct rig *r, uint32_t n)
{
	struct frame_spec spec = {.flags = ACK};
	struct frame f = frame_make(&spec);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.b,
		.data_size_in = (uint32_t)f.n, .repeat = (int)n);
	int err = bpf_prog_test_run_opts(r->prog, &opts);

	if (err || opts.retval != XDP_TX) {
		fprintf(stderr, "bench_l4: run: %s, verdict %u\n",
			strerror(-err), opts.retval);
		exit(1);
	}
	return opts.duration;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
median(const struct rig *r)
{
	uint32_t v[64];

	for (unsigned i = 0; i < rounds; i++)
		v[i] = run(r, ROUND);
	qsort(v, rounds, sizeof(*v), compare);
	/* a lower quartile: what else ran only ever adds */
	return v[rounds / 4];
}

static void
say(const char *what, double ns, double than, double limit, const char *beside)
{
	double ratio = than > 0 ? ns / than : 0;
	bool ok = limit <= 0 || ratio <= limit;

	failed |= !ok;
	if (json)
		printf("{\"what\": \"%s\", \"ns\": %.0f, \"ratio\": %.2f, "
		       "\"limit\": %.2f}\n",
			what, ns, ratio, limit);
	else if (limit > 0)
		printf("%-34s %5.0f ns  %5.2f x %s (at most %.1f)%s\n", what,
			ns, ratio, beside, limit, ok ? "" : "  MISSED");
	else
		printf("%-34s %5.0f ns\n", what, ns);
	fflush(stdout);
}

/* All flows begin once, so that they are there. */
static void
establish(struct rig *r, uint32_t flows, uint32_t step)
{
	r->rotate->flows = flows;
	r->rotate->step = 1;
	r->rotate->flags = SYN;
	r->rotate->at = 0;
	for (uint32_t i = 0; i < flows; i += 1000) {
		(void)run(r, 1000);
		model_grow(&r->image, UINT32_MAX);
	}
	r->rotate->flags = ACK;
	(void)run(r, flows);
	r->rotate->step = step;
}

/* New flows, as many as the other figure is of, into the table as it was then.
 */
static double
new_flows(struct rig *r, const char *scheduler, unsigned nodes)
{
	uint32_t v[64], used = r->image.ctl->bucket_mask + 1;

	put_rules(r, scheduler, nodes);
	r->rotate->step = 7919;
	r->rotate->flows = FEW;
	r->rotate->flags = SYN;
	for (unsigned i = 0; i < rounds; i++) {
		memset(r->image.buckets, 0, used * sizeof(struct l4_bucket));
		memset(r->image.counts, 0,
			r->image.n_counts * sizeof(struct l4_count));
		compile_refresh(&r->image);
		v[i] = run(r, FEW);
	}
	qsort(v, rounds, sizeof(*v), compare);
	return v[rounds / 4];
}

int
main(int argc, char **argv)
{
	static const char *const schedulers[] = {
#define SCHEDULER(name) #name,
#include "l4/schedulers.def"
#undef SCHEDULER
	};
	struct rig own = {0}, lru = {0};
	struct bench_bpf *bench;
	struct lru_bpf *other;
	double empty, few, many, kernel;
	cpu_set_t one;
	char text[64];

	for (int i = 1; i < argc; i++) {
		json |= !strcmp(argv[i], "--json");
		if (!strcmp(argv[i], "--quick"))
			rounds = 13;
	}
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	bench = open_bench(&own, 4 << 20);
	put_rules(&own, "wlc", 16);
	own.prog = bpf_program__fd(bench->progs.empty);
	own.rotate->flows = FEW;
	empty = median(&own);
	say("swaps MAC addresses", empty, 0, 0, "");
	own.prog = bpf_program__fd(bench->progs.balance);
	establish(&own, FEW, 7919);
	few = median(&own);
	say("established, 10,000 flows", few, empty, 3, "that");
	for (unsigned nodes = 16; nodes <= 1024; nodes *= 4)
		for (int i = 0; i < L4_SCHEDULERS; i++) {
			if (nodes == 256)
				continue;
			snprintf(text, sizeof(text), "new, %s, %u nodes",
				schedulers[i], nodes);
			say(text, new_flows(&own, schedulers[i], nodes), few,
				nodes <= 64 ? 2.5 : 5, "established");
		}
	establish(&own, MANY, 618033);
	many = median(&own);
	other = open_lru(&lru);
	put_rules(&lru, "wlc", 16);
	lru.prog = bpf_program__fd(other->progs.balance_lru);
	establish(&lru, MANY, 618033);
	kernel = median(&lru);
	say("... on the kernel's LRU, 1 M flows", kernel, 0, 0, "");
	say("established, 1 M flows", many, kernel, 0.5, "the LRU");
	lru_bpf__destroy(other);
	if (!json)
		printf("%zu bytes of table per flow\n",
			2 * sizeof(struct l4_flow));
	bench_bpf__destroy(bench);
	return failed ? 1 : 0;
}
