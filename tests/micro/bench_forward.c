/*
 * What forwarding costs: packets per CPU-second through the balancer's XDP
 * program, as `sevenfold balancer` loads and attaches it (native, on a veth),
 * beside Linux's bridge and, in a kernel that has it, IPVS (direct routing):
 *
 *	bench_forward [--json] [--quick]
 *
 * The same packets, of the same 10,000 established flows, go through all in
 * turn, round by round; each figure is the median. Only what comes out counts.
 * What it takes to send and to receive is in all of them: "no forwarder" is
 * that alone. They are sent in two ways:
 *
 *	frames	as a driver gives them, by an XDP program
 *		(l4/bpf/traffic.bpf.c): only who needs an sk_buff pays for it
 *	sockets	as hosts in namespaces send them, each in an sk_buff, of which
 *		native XDP on a veth first has to make a frame. That is the
 *		lab's case, and no network card's.
 *
 * CPU-seconds are the scheduler's, of this thread and of ksoftirqd, on the one
 * CPU where all of it happens: veths do their work in soft interrupts, which
 * run at the end of the system call that sends, in this thread's time, or in
 * ksoftirqd. A kernel that keeps the time of soft interrupts apart
 * (CONFIG_IRQ_TIME_ACCOUNTING) has it in /proc/stat, and it's added.
 *
 * Exits with 1 when a target is missed, or packets are lost where there is one.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/balancer.h"
#include "l4/model.h"
#include "l4/test_frame.h"
#include "l4/test_netns.h"

#include "forward_stage.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define ROUNDS_MAX 64

struct figure {
	double rate[ROUNDS_MAX]; /* packets per CPU-second */
	uint64_t sent, came;
};

static struct stage stage;
static unsigned rounds = 21, round_ms = 60;
static bool json, failed;
static bool apart; /* soft interrupts are in no thread's time */
static int ksoftirqd = -1;

/* --- the CPU's time ------------------------------------------------------- */

/* The process of that name, or -1. */
static int
find_process(const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int found = -1;

	while (proc && found < 0 && (d = readdir(proc))) {
		own_free char *path = xasprintf("/proc/%s/comm", d->d_name);
		own_file FILE *f = fopen(path, "re");
		char line[32];

		if (f && fgets(line, sizeof(line), f) &&
			!strncmp(line, name, strlen(name)))
			found = atoi(d->d_name);
	}
	if (proc)
		closedir(proc);
	return found;
}

static uint64_t
ksoftirqd_ns(void)
{
	own_free char *path = xasprintf("/proc/%d/schedstat", ksoftirqd);
	own_file FILE *f = ksoftirqd < 0 ? NULL : fopen(path, "re");
	unsigned long long ns = 0;

	return f && fscanf(f, "%llu", &ns) == 1 ? ns : 0;
}

static uint64_t
interrupts_ns(void)
{
	own_file FILE *f = fopen("/proc/stat", "re");
	unsigned long long irq = 0, soft = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu0 %*u %*u %*u %*u %*u %llu %llu", &irq,
			    &soft) == 2)
			break;
	return (irq + soft) * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t
thread_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t
cpu_ns(void)
{
	return thread_ns() + ksoftirqd_ns() + (apart ? interrupts_ns() : 0);
}

/* --- sending: n is a multiple of BATCH ------------------------------------ */

typedef void (*send_fn)(const struct frame *f, uint32_t n);

static void
send_frames(const struct frame *f, uint32_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->b,
		.data_size_in = (uint32_t)f->n, .repeat = (int)n,
		.batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err = bpf_prog_test_run_opts(stage_sender_fd(&stage), &opts);

	if (err)
		die("sending frames: %s", strerror(-err));
}

static int
packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one,
			sizeof(one)) < 0)
		die("packet socket: %s", strerror(errno));
	return fd;
}

static void
send_packets(const struct frame *f, uint32_t n)
{
	static struct frame copies[BATCH];
	static int fd = -1; /* to close one takes the kernel a while */
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_ifindex = (int)stage_traffic(&stage)->ifindex};
	struct mmsghdr m[BATCH] = {0};
	struct iovec iov[BATCH];

	if (fd < 0)
		fd = packet_socket();
	for (unsigned i = 0; i < BATCH; i++) {
		copies[i] = *f;
		iov[i] = (struct iovec){copies[i].b, f->n};
		m[i].msg_hdr.msg_name = &to;
		m[i].msg_hdr.msg_namelen = sizeof(to);
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (uint32_t sent = 0; sent < n; sent += BATCH) {
		for (unsigned i = 0; i < BATCH; i++)
			traffic_next(stage_traffic(&stage), copies[i].b);
		if (sendmmsg(fd, m, BATCH, 0) != BATCH)
			die("sending packets: %s", strerror(errno));
	}
}

/* --- measuring ------------------------------------------------------------ */

/* /sys shows the namespace in which it was mounted; /proc/net, ours. */
static uint64_t
came_out(int forwarder)
{
	own_file FILE *in = fopen("/proc/net/dev", "re");
	unsigned long long n = 0;
	char line[512], name[32];

	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, " %31[^:]: %*u %llu", name, &n) == 2 &&
			!strcmp(name, forwarders[forwarder].exit))
			return n;
	die("no counters of %s", forwarders[forwarder].exit);
}

/* n packets: how many came out for each of the CPU's seconds. */
static double
measure(int forwarder, send_fn send, const struct frame *f, uint32_t n,
	struct figure *out)
{
	struct timespec settle = {0, 2000000};
	uint64_t came = came_out(forwarder), cpu = cpu_ns();

	stage_aim(&stage, forwarder);
	send(f, n);
	/* what ksoftirqd still has */
	(void)nanosleep(&settle, NULL);
	cpu = cpu_ns() - cpu;
	came = came_out(forwarder) - came;
	out->sent += n;
	out->came += came;
	return (double)came * 1e9 / (double)(cpu ? cpu : 1);
}

/* How many packets take a round's time, in one call, since the first of each
 * are dearer. */
static uint32_t
in_a_round(send_fn send, const struct frame *f)
{
	struct figure none = {0};
	double rate = 0, got;

	for (int i = 0; i < 3; i++) {
		got = measure(BRIDGE, send, f, 32 * BATCH, &none);
		rate = got > rate ? got : rate;
	}
	return ((uint32_t)(rate * round_ms / 1000) / BATCH + 1) * BATCH;
}

/* Whether soft interrupts are left out of a thread's time: then it never has as
 * much time as the clock, though it only sends. */
static bool
counted_apart(const struct frame *f)
{
	double most = 0;

	stage_aim(&stage, BRIDGE);
	for (int i = 0; i < 200; i++) {
		uint64_t wall = clock_mono_ns(), own = thread_ns();
		double share;

		send_packets(f, 2 * BATCH);
		own = thread_ns() - own;
		share = (double)own / (double)(clock_mono_ns() - wall);
		most = share > most ? share : most;
	}
	return most < 0.9;
}

/* All flows begin, and are established: in whoever keeps account of them. */
static void
establish(int forwarder, const struct frame *f)
{
	static const uint8_t flags[] = {SYN, ACK, ACK};
	struct traffic *t = stage_traffic(&stage);

	stage_aim(&stage, forwarder);
	t->at = 0;
	for (int i = 0; i < 3; i++) {
		t->flags = flags[i];
		for (uint32_t n = 0; n < t->flows + BATCH; n += 8 * BATCH) {
			send_frames(f, 8 * BATCH);
			model_grow(balancer_image(stage.balancer), UINT32_MAX);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(struct figure *f)
{
	qsort(f->rate, rounds, sizeof(*f->rate), compare);
	return f->rate[rounds / 2];
}

/* than: what it's held against, or 0; limit: at least so many times as much,
 * or 0 */
static void
say(const char *what, const struct figure *f, double rate, double than,
	const char *beside, double limit)
{
	double ratio = than > 0 ? rate / than : 0;
	bool lost = f->came < f->sent - f->sent / 100;
	bool ok = ratio >= limit && !lost;

	failed |= limit > 0 && !ok;
	if (json) {
		printf("{\"what\": \"%s\", \"packets_per_cpu_s\": %.0f, "
		       "\"ratio\": %.2f, \"beside\": \"%s\", \"limit\": %.2f, "
		       "\"sent\": %llu, \"came\": %llu}\n",
			what, rate, ratio, beside, limit,
			(unsigned long long)f->sent,
			(unsigned long long)f->came);
		return;
	}
	printf("%-36s %8.0f per CPU-second", what, rate);
	if (than > 0)
		printf("  %5.2f x %s", ratio, beside);
	if (limit > 0)
		printf(" (at least %.1f)%s", limit, ok ? "" : "  MISSED");
	if (lost)
		printf("  LOST %llu of %llu",
			(unsigned long long)(f->sent - f->came),
			(unsigned long long)f->sent);
	putchar('\n');
	fflush(stdout);
}

/* One kind of packets, sent in one way, through all of them. */
static void
compare_all(const char *how, send_fn send, uint16_t payload, double limit)
{
	struct frame_spec spec = {.flags = ACK, .payload = payload};
	struct frame frame = frame_make(&spec);
	struct figure figures[FORWARDERS] = {0};
	double rates[FORWARDERS] = {0};
	uint32_t n = in_a_round(send, &frame);

	for (unsigned r = 0; r < rounds; r++)
		for (int i = 0; i < FORWARDERS; i++)
			if (stage_has(&stage, i))
				figures[i].rate[r] = measure(
					i, send, &frame, n, &figures[i]);
	for (int i = 0; i < FORWARDERS; i++) {
		own_free char *what = xasprintf(
			"%s, %zu bytes, %s", how, frame.n, forwarders[i].name);

		if (!stage_has(&stage, i))
			continue;
		rates[i] = median(&figures[i]);
		say(what, &figures[i], rates[i], i > BRIDGE ? rates[BRIDGE] : 0,
			"the bridge", i == BALANCER ? limit : 0);
	}
	if (stage.ipvs) {
		own_free char *what =
			xasprintf("%s, %zu bytes, the balancer", how, frame.n);

		say(what, &figures[BALANCER], rates[BALANCER], rates[IPVS],
			"IPVS", limit);
	}
}

int
main(int argc, char **argv)
{
	struct frame_spec spec = {.flags = ACK};
	struct frame frame = frame_make(&spec);
	cpu_set_t one;

	for (int i = 1; i < argc; i++) {
		json |= !strcmp(argv[i], "--json");
		if (!strcmp(argv[i], "--quick"))
			rounds = 7;
	}
	if (!balancer_permitted() || !test_netns()) {
		puts("SKIP: may not load XDP programs into a network "
		     "namespace");
		return 77;
	}
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	ksoftirqd = find_process("ksoftirqd/0\n");
	stage_open(&stage);
	for (int i = 0; i < FORWARDERS; i++)
		if (stage_has(&stage, i))
			establish(i, &frame);
	apart = counted_apart(&frame);
	if (apart) /* /proc/stat has hundredths of a second */
		round_ms = 500;
	if (!json)
		printf("packets forwarded; CPU-seconds are those of the "
		       "sending thread and ksoftirqd%s\n",
			apart ? ", and soft interrupts', which this kernel "
				"keeps apart"
			      : "");
	compare_all("frames", send_frames, 0, 1);
	compare_all("frames", send_frames, 1400, 1);
	stage_for_sockets(&stage);
	compare_all("sockets", send_packets, 0, 0);
	compare_all("sockets", send_packets, 1400, 0);
	stage_close(&stage);
	return failed ? 1 : 0;
}
