#include "handoff/steer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <steer.skel.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "handoff/expiry.h"
#include "handoff/park.h"
#include "handoff/window.h"

enum {
	TC_HANDLE = 1,
	TC_PRIORITY = 0x5f01, /* ours among other filters */
	INITIAL_WINDOW = 10,  /* that sockets begin with anyway (RFC 6928) */
	CLOSED_MS = 15000,    /* the last packets of a connection */
	SWEEP_FLOWS = 4096,   /* looked at in one step */
};

struct steer {
	struct steer_config config;
	struct steer_bpf *skel; /* owned */
	struct park *park;	/* owned */
	struct window *window;	/* owned; NULL: windows are not restored */
	int flows, stamps;	/* skel's */
	int raw;		/* owned: to send by; -1: no rights to */
	unsigned nic;
	bool attached;
	struct expiry *expiry; /* owned: of the flows that are forwarded */
};

/* --- attaching ------------------------------------------------------------ */

static unsigned
interface_of(struct in_addr addr)
{
	struct ifaddrs *list, *i;
	unsigned found = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (i = list; i && !found; i = i->ifa_next) {
		struct sockaddr_in *in = (void *)i->ifa_addr;

		if (in && in->sin_family == AF_INET &&
			in->sin_addr.s_addr == addr.s_addr &&
			!(i->ifa_flags & IFF_LOOPBACK))
			found = if_nametoindex(i->ifa_name);
	}
	freeifaddrs(list);
	return found;
}

static int
attach(const struct steer *s, unsigned ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		.attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		.priority = TC_PRIORITY, .flags = BPF_TC_F_REPLACE,
		.prog_fd = bpf_program__fd(s->skel->progs.steer_client));
	/* It says aloud that there is a hook already. */
	libbpf_print_fn_t loud = libbpf_set_print(NULL);
	int err = bpf_tc_hook_create(&hook);

	(void)libbpf_set_print(loud);
	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &opts);
}

static void
detach(const struct steer *s)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)s->nic,
		.attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		.priority = TC_PRIORITY);

	(void)bpf_tc_detach(&hook, &opts);
}

/* The map of that name of a program; -1: it has none. */
static int
map_of(int prog, const char *name)
{
	uint32_t ids[8];
	struct bpf_prog_info info = {
		.nr_map_ids = 8, .map_ids = (uint64_t)(uintptr_t)ids};
	uint32_t n = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &n) < 0)
		return -1;
	for (uint32_t i = 0; i < info.nr_map_ids && i < 8; i++) {
		own_fd int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map = {0};

		n = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &n) == 0 &&
			!strcmp(map.name, name) &&
			map.value_size == sizeof(struct handoff_flow))
			return take_fd(&fd);
	}
	return -1;
}

/* Goes on with the flows of whoever steered here before. */
static int
inherit(const struct steer *s)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)s->nic,
		.attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		.priority = TC_PRIORITY);
	own_fd int prog = -1, map = -1;
	/* It says aloud that there is none. */
	libbpf_print_fn_t loud = libbpf_set_print(NULL);
	int none = bpf_tc_query(&hook, &opts);

	(void)libbpf_set_print(loud);
	if (none)
		return 0;
	prog = bpf_prog_get_fd_by_id(opts.prog_id);
	map = prog < 0 ? -1 : map_of(prog, "flows");
	return map < 0 ? 0 : bpf_map__reuse_fd(s->skel->maps.flows, map);
}

/* Those that were there before are to end some time, too. */
static void
expire_inherited(struct steer *s)
{
	struct handoff_key key, *last = NULL;
	struct handoff_flow f;

	for (unsigned i = 0; i < HANDOFF_FLOWS_MAX &&
		bpf_map_get_next_key(s->flows, last, &key) == 0;
		i++) {
		last = &key;
		if (bpf_map_lookup_elem(s->flows, &key, &f) < 0)
			continue;
		f.id = expiry_add(s->expiry, &key, clock_mono_ns());
		(void)bpf_map_update_elem(s->flows, &key, &f, BPF_EXIST);
	}
}

static int
load(struct steer *s)
{
	int err;

	s->skel = steer_bpf__open();
	if (!s->skel)
		return -errno;
	s->skel->rodata->vip = s->config.vip.s_addr;
	s->skel->rodata->vip_port = htons(s->config.vip_port);
	s->skel->rodata->nic = s->nic;
	s->skel->rodata->park = park_ifindex(s->park);
	err = inherit(s);
	if (!err)
		err = steer_bpf__load(s->skel);
	if (err)
		return err;
	s->flows = bpf_map__fd(s->skel->maps.flows);
	s->stamps = bpf_map__fd(s->skel->maps.stamps);
	park_watch(s->park, (const uint64_t *)&s->skel->bss->parked);
	expire_inherited(s);
	return 0;
}

static bool
is_settled(void *user, const struct handoff_key *key)
{
	const struct steer *s = user;
	struct handoff_flow f;

	return bpf_map_lookup_elem(s->flows, key, &f) < 0 ||
		f.way != HANDOFF_PARK;
}

/* The strict filter drops what comes by another interface than answers go out
 * by, as what was parked does. */
static bool
filter_is_strict(void)
{
	own_fd int fd = open(
		"/proc/sys/net/ipv4/conf/all/rp_filter", O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd >= 0 && read(fd, &c, 1) == 1 && c == '1';
}

static int
open_all(struct steer *s, const char **why)
{
	struct park_config park = {.is_settled = is_settled, .user = s};
	int err;

	*why = "no interface has the node's address";
	s->nic = park.nic = interface_of(s->config.self);
	if (!s->nic)
		return -ENODEV;
	*why = "net.ipv4.conf.all.rp_filter is 1";
	if (filter_is_strict())
		return -EINVAL;
	*why = "no TAP device can be made";
	err = park_open(&park, &s->park);
	if (err)
		return err;
	*why = "the kernel does not take the steering program";
	err = load(s);
	if (!err)
		err = attach(s, park_ifindex(s->park));
	if (!err)
		err = attach(s, s->nic);
	s->attached = !err;
	return err;
}

int
steer_open(
	const struct steer_config *config, struct steer **out, const char **why)
{
	struct steer *s = NEW(struct steer);
	int err;

	s->config = *config;
	s->raw = segment_open();
	s->expiry = expiry_new(CLOSED_MS * NS_PER_MS);
	err = open_all(s, why);
	if (err) {
		steer_close(s);
		return err;
	}
	(void)window_open(config->vip, config->vip_port, &s->window);
	*out = s;
	return 0;
}

static bool
steers_any(struct steer *s)
{
	struct handoff_key key;

	return bpf_map_get_next_key(s->flows, NULL, &key) == 0;
}

void
steer_close(struct steer *s)
{
	if (!s)
		return;
	if (s->attached && !steers_any(s))
		detach(s);
	window_close(s->window);
	steer_bpf__destroy(s->skel);
	expiry_free(s->expiry);
	park_close(s->park);
	own_fd_(&s->raw);
	free(s);
}

/* --- flows ---------------------------------------------------------------- */

struct handoff_key
steer_key(const struct snapshot *s)
{
	return (struct handoff_key){s->client.s_addr, htons(s->client_port), 0};
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
	if (!err)
		err = bpf_map_update_elem(s->flows, key, &f, BPF_ANY);
	return err ? err : 1;
}

void
steer_back(struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *before)
{
	(void)bpf_map_update_elem(s->flows, key, before, BPF_ANY);
	park_flush(s->park, key);
}

int
steer_forward(
	struct steer *s, const struct handoff_key *key, struct in_addr node)
{
	uint64_t now_ns = clock_mono_ns();
	struct handoff_flow f = {.used_ns = now_ns,
		.way = HANDOFF_FORWARD,
		.node = node.s_addr,
		.id = expiry_add(s->expiry, key, now_ns)};
	int err = bpf_map_update_elem(s->flows, key, &f, BPF_ANY);

	if (!err)
		park_flush(s->park, key);
	return err;
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
steer_stamp(struct steer *s, const struct handoff_key *key, uint32_t *stamp)
{
	return bpf_map_lookup_elem(s->stamps, key, stamp) == 0;
}

void
steer_window(struct steer *s, const struct handoff_key *key, uint32_t segments)
{
	if (s->window && segments > INITIAL_WINDOW)
		window_set(s->window, key, segments);
}

void
steer_window_done(
	struct steer *s, const struct handoff_key *key, uint32_t segments)
{
	if (s->window && segments > INITIAL_WINDOW)
		window_clear(s->window, key);
}

/* --- connections that are lost ---------------------------------------------
 */

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

	if (s->raw >= 0)
		segment_send(s->raw, &rst);
	steer_ours(s, &key, NULL);
}

/* A segment that the client has had: it says so, to our TCP, which knows of no
 * such connection and has it reset; with the right numbers, which only the
 * client knows. */
static void
tickle(struct steer *s, const struct handoff_key *key,
	const struct handoff_flow *f)
{
	struct segment old = {
		.kind = SEGMENT_ACK,
		.from = s->config.vip,
		.to.s_addr = key->client,
		.from_port = s->config.vip_port,
		.to_port = ntohs(key->port),
		.seq = f->ack - 1,
		.ack = f->seq,
	};

	(void)bpf_map_delete_elem(s->flows, key);
	if (s->raw >= 0)
		segment_send(s->raw, &old);
}

void
steer_bury(struct steer *s, struct in_addr node)
{
	struct handoff_key key, next;
	struct handoff_flow f;
	int more = bpf_map_get_next_key(s->flows, NULL, &next) == 0;

	for (unsigned i = 0; more && i < HANDOFF_FLOWS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(s->flows, &key, &next) == 0;
		if (bpf_map_lookup_elem(s->flows, &key, &f) == 0 &&
			f.way == HANDOFF_FORWARD && f.node == node.s_addr)
			tickle(s, &key, &f);
	}
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

static bool
is_over(const struct steer *s, const struct handoff_flow *f, uint64_t now_ns)
{
	uint64_t idle_ns =
		f->closing ? CLOSED_MS * NS_PER_MS : s->config.idle_ns;

	return now_ns > f->used_ns + idle_ns;
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
