#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <steer.skel.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "handoff/steer_internal.h"

enum {
	TC_HANDLE = 1,
	TC_PRIORITY = 0x5f01, /* ours among other filters */
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

/* One that was there before is to end some time, too; and whoever parked its
 * packets does not any more. */
static void
inherit_flow(struct steer *s, const struct handoff_key *key)
{
	struct handoff_flow f;

	if (bpf_map_lookup_elem(s->flows, key, &f) < 0)
		return;
	if (f.way == HANDOFF_PARK && !f.node) {
		(void)bpf_map_delete_elem(s->flows, key);
		return;
	}
	f.way = HANDOFF_FORWARD;
	f.id = expiry_add(s->expiry, key, clock_mono_ns());
	(void)bpf_map_update_elem(s->flows, key, &f, BPF_EXIST);
}

static void
inherit_flows(struct steer *s)
{
	struct handoff_key key, next;
	int more = bpf_map_get_next_key(s->flows, NULL, &next) == 0;

	for (unsigned i = 0; more && i < HANDOFF_FLOWS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(s->flows, &key, &next) == 0;
		inherit_flow(s, &key);
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
	memcpy(s->skel->rodata->vip6, &s->config.vip6, sizeof(s->config.vip6));
	memcpy(s->skel->rodata->nic_mac, park_mac(s->park), ETH_ALEN);
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
	inherit_flows(s);
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

int
steer_load(struct steer *s, const char **why)
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

static bool
steers_any(struct steer *s)
{
	struct handoff_key key;

	return bpf_map_get_next_key(s->flows, NULL, &key) == 0;
}

void
steer_unload(struct steer *s)
{
	if (s->attached && !steers_any(s))
		detach(s);
	steer_bpf__destroy(s->skel);
	park_close(s->park);
}
