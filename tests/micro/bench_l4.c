/*
 * What a packet costs in the layer-4 balancer, by BPF_PROG_TEST_RUN, beside a
 * program that only swaps MAC addresses and beside itself on the kernel's LRU
 * hash; and how the targets are met:
 *
 *	bench_l4 [--json] [--quick] [few|new|many|steps]
 *
 * one part alone; steps, what an established flow's packet costs as far as each
 * step, is not among what is run otherwise.
 *
 * Each figure is a lower quartile of short rounds, and the two of a ratio take
 * turns, so that other work on the machine does little harm. Exits with 1 when
 * a target is missed.
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
#include <linux/if_link.h>
#include <lru.skel.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <steps.skel.h>
#include <sys/mman.h>

#define ROUND 20000 /* packets in a round */
#define FEW 10000
#define MANY 1000000
#define PACKETS 9 /* of a flow that its entry counts */

struct rotate {
	uint32_t at, flows, base, step, flags, pad;
};

struct rig {
	struct l4_image image;
	struct rotate *rotate;
	int prog;
};

#define ROUNDS_MAX 64
static unsigned rounds = 41;
static bool json, failed;

static void *
map_of(const struct bpf_object *o, const char *name, size_t n)
{
	int fd = bpf_object__find_map_fd_by_name(o, name);
	void *p = mmap(NULL, (n + 4095) & ~(size_t)4095, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		perror("bench_l4: mmap");
		exit(1);
	}
	return p;
}

static void
size_maps(const struct bpf_object *o, const struct l4_image *i)
{
	struct bpf_map *m;

#define MAP(name, type, n)                          \
	m = bpf_object__find_map_by_name(o, #name); \
	CHECK(m && !bpf_map__set_max_entries(m, i->n_##name));
#include "l4/maps.def"
#undef MAP
}

static void
no_rights(int err)
{
	printf("SKIP: can't load the program: %s\n", strerror(-err));
	exit(77);
}

static void
map_maps(const struct bpf_object *o, struct rig *r)
{
#define MAP(name, type, n) \
	r->image.name = map_of(o, #name, r->image.n_##name * sizeof(type));
#include "l4/maps.def"
#undef MAP
	r->rotate = map_of(o, "rotation", sizeof(*r->rotate));
	l4_image_start(&r->image);
	memcpy(r->image.ctl->mac, frame_own, ETH_ALEN);
	r->image.ctl->new_max = UINT32_MAX;
	*r->rotate = (struct rotate){
		.flows = 1, .base = 0x0a000000, .step = 1, .flags = ACK};
}

/* Loads an object and has the rig stand on its maps. */
#define OPENER(skel)                                                           \
	static struct skel##_bpf *open_##skel(struct rig *r, uint64_t flows)   \
	{                                                                      \
		struct skel##_bpf *s = skel##_bpf__open();                     \
		int err;                                                       \
                                                                               \
		l4_image_size(&r->image, (uint32_t)libbpf_num_possible_cpus(), \
			flows);                                                \
		size_maps(s->obj, &r->image);                                  \
		err = skel##_bpf__load(s);                                     \
		if (err)                                                       \
			no_rights(err);                                        \
		map_maps(s->obj, r);                                           \
		return s;                                                      \
	}
OPENER(bench)
OPENER(lru)
OPENER(steps)

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

/*
 * Linux changes its way to a program that is to be repeated before and after
 * it, and waits until no CPU is on the old one: meanwhile others run here, and
 * have the cache. A program that is attached somewhere has its way already. So
 * the one that is measured is: to the loopback of a network of our own, where
 * no packet comes.
 */
static void
hold(const struct rig *r)
{
	int err = bpf_xdp_attach(1, r->prog, XDP_FLAGS_SKB_MODE, NULL);

	if (err)
		no_rights(err);
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

/* A lower quartile of the rounds: what else runs on the machine only adds. */
static double
quartile(uint32_t v[])
{
	qsort(v, rounds, sizeof(*v), compare);
	return v[rounds / 4];
}

/* Two programs' packets, by turns, so that both meet the machine in the same
 * mood. Each begins with some that are not measured. */
static void
beside(const struct rig *a, const struct rig *b, double ns[2])
{
	uint32_t v[2][ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		for (int k = 0; k < 2; k++) {
			hold(k ? b : a);
			(void)run(k ? b : a, ROUND / 2);
			v[k][i] = run(k ? b : a, ROUND);
		}
	ns[0] = quartile(v[0]);
	ns[1] = quartile(v[1]);
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

/* All flows begin once, so that they are there; and have had as many packets as
 * are counted, so that their entries are as they stay. */
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
	for (int i = 0; i < PACKETS; i++)
		(void)run(r, flows);
	r->rotate->step = step;
}

/* As many new flows as the other rig has old ones, into an empty table; by
 * turns with packets of the old ones. */
static void
new_flows(struct rig *r, const struct rig *old, unsigned nodes, double ns[2])
{
	uint32_t v[2][ROUNDS_MAX], used = r->image.ctl->bucket_mask + 1;

	for (unsigned i = 0; i < rounds; i++) {
		hold(old);
		(void)run(old, ROUND / 2);
		v[0][i] = run(old, ROUND);
		hold(r);
		memset(r->image.counts, 0,
			(nodes + 1) * sizeof(struct l4_count));
		compile_refresh(&r->image);
		memset(r->image.buckets, 0, used * sizeof(struct l4_bucket));
		v[1][i] = run(r, FEW);
	}
	ns[0] = quartile(v[0]);
	ns[1] = quartile(v[1]);
}

static void
bench_new(const struct rig *old)
{
	static const char *const schedulers[] = {
#define SCHEDULER(name) #name,
#include "l4/schedulers.def"
#undef SCHEDULER
	};
	static const unsigned nodes[] = {16, 64, 1024};
	struct rig r = {0};
	struct bench_bpf *bench = open_bench(&r, FEW);
	double ns[2];
	char text[64];

	r.prog = bpf_program__fd(bench->progs.balance);
	r.rotate->step = 7919;
	r.rotate->flows = FEW;
	r.rotate->flags = SYN;
	for (size_t n = 0; n < sizeof(nodes) / sizeof(*nodes); n++)
		for (int i = 0; i < L4_SCHEDULERS; i++) {
			put_rules(&r, schedulers[i], nodes[n]);
			new_flows(&r, old, nodes[n], ns);
			snprintf(text, sizeof(text), "new, %s, %u nodes",
				schedulers[i], nodes[n]);
			say(text, ns[1], ns[0], nodes[n] <= 64 ? 2.5 : 5,
				"established");
		}
	bench_bpf__destroy(bench);
}

/* What an established flow's packet costs as far as each step: with flows so
 * few that their entries are in the CPU's next cache, and with more. */
static void
bench_steps(void)
{
	static const uint32_t flows[] = {50, 1000, FEW};
	struct rig r = {0};
	struct steps_bpf *steps = open_steps(&r, FEW);
	double ns[2];
	struct bpf_program *p;

	put_rules(&r, "wlc", 16);
	for (size_t i = 0; i < sizeof(flows) / sizeof(*flows); i++) {
		if (!json)
			printf("steps of %u flows:", flows[i]);
		r.prog = bpf_program__fd(steps->progs.whole);
		establish(&r, flows[i], 7919 % flows[i]);
		bpf_object__for_each_program(p, steps->obj)
		{
			r.prog = bpf_program__fd(p);
			beside(&r, &r, ns);
			if (!json)
				printf(" %s %.0f", bpf_program__name(p), ns[0]);
			fflush(stdout);
		}
		if (!json)
			printf("\n");
	}
	steps_bpf__destroy(steps);
}

static void
bench_many(void)
{
	struct rig own = {0}, r = {0};
	struct bench_bpf *bench = open_bench(&own, 4 << 20);
	struct lru_bpf *lru = open_lru(&r, 1);
	double ns[2];

	put_rules(&own, "wlc", 16);
	put_rules(&r, "wlc", 16);
	own.prog = bpf_program__fd(bench->progs.balance);
	r.prog = bpf_program__fd(lru->progs.balance_lru);
	establish(&own, MANY, 618033);
	establish(&r, MANY, 618033);
	beside(&r, &own, ns);
	say("... on the kernel's LRU, 1 M flows", ns[0], 0, 0, "");
	say("established, 1 M flows", ns[1], ns[0], 0.5, "the LRU");
	lru_bpf__destroy(lru);
	bench_bpf__destroy(bench);
}

/* An established flow beside nothing; and beside it, new ones. */
static void
bench_few(bool fresh)
{
	struct rig own = {0}, empty;
	struct bench_bpf *bench = open_bench(&own, FEW);
	double ns[2];

	put_rules(&own, "wlc", 16);
	own.prog = bpf_program__fd(bench->progs.balance);
	establish(&own, FEW, 7919);
	empty = own;
	empty.prog = bpf_program__fd(bench->progs.empty);
	if (fresh) {
		bench_new(&own);
	} else {
		beside(&empty, &own, ns);
		say("swaps MAC addresses", ns[0], 0, 0, "");
		say("established, 10,000 flows", ns[1], ns[0], 3, "that");
	}
	bench_bpf__destroy(bench);
}

/* On one CPU, which nobody else has as long as a round takes, and in a network
 * where nobody else is. */
static void
go_alone(void)
{
	struct sched_param first = {.sched_priority = 1};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	(void)sched_setscheduler(0, SCHED_FIFO, &first);
	if (unshare(CLONE_NEWNET))
		no_rights(-errno);
}

int
main(int argc, char **argv)
{
	const char *part = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--quick"))
			rounds = 13;
		else
			part = argv[i];
	}
	go_alone();
	if (!part || !strcmp(part, "few"))
		bench_few(false);
	if (part && !strcmp(part, "steps"))
		bench_steps();
	if (!part || !strcmp(part, "new"))
		bench_few(true);
	if (!part || !strcmp(part, "many"))
		bench_many();
	if (!json)
		printf("%zu bytes of table per flow\n",
			2 * sizeof(struct l4_flow));
	return failed ? 1 : 0;
}
