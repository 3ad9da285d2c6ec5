#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <steer.skel.h>
#include <steer_xdp.skel.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "handoff/hook.h"
#include "handoff/steer_internal.h"

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
	static const enum hook hooks[] = {HOOK_TC, HOOK_XDP};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		own_fd int prog = hook_find(hooks[i], s->nic);
		own_fd int map = prog < 0 ? -1 : map_of(prog, "flows");

		if (map >= 0)
			return bpf_map__reuse_fd(s->skel->maps.flows, map);
	}
	return 0;
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

/* What either program has to know. */
#define TELL(s, to)                                                        \
	do {                                                               \
		(to)->vip = (s)->config.vip.s_addr;                        \
		memcpy((to)->vip6, &(s)->config.vip6, sizeof((to)->vip6)); \
		(to)->vip_port = htons((s)->config.vip_port);              \
		memcpy((to)->nic_mac, park_mac((s)->park), ETH_ALEN);      \
	} while (0)

static int
load(struct steer *s)
{
	int err;

	s->skel = steer_bpf__open();
	if (!s->skel)
		return -errno;
	TELL(s, s->skel->rodata);
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

/* The maps are those of the program at tc, which is at the park. */
static int
share_maps(const struct steer *s, const struct steer_xdp_bpf *xdp)
{
	const struct {
		struct bpf_map *to, *from;
	} maps[] = {
		{xdp->maps.flows, s->skel->maps.flows},
		{xdp->maps.stamps, s->skel->maps.stamps},
		{xdp->maps.steered, s->skel->maps.steered},
		{xdp->maps.bss, s->skel->maps.bss},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps) && !err; i++)
		err = bpf_map__reuse_fd(maps[i].to, bpf_map__fd(maps[i].from));
	return err;
}

static int
load_xdp(const struct steer *s, struct steer_xdp_bpf *xdp)
{
	uint32_t first = 0, park = park_ifindex(s->park);
	int err;

	TELL(s, xdp->rodata);
	err = share_maps(s, xdp);
	if (!err)
		err = steer_xdp_bpf__load(xdp);
	return err ? err
		   : bpf_map_update_elem(bpf_map__fd(xdp->maps.park), &first,
			     &park, BPF_ANY);
}

static int
attach_xdp(const struct steer *s)
{
	struct steer_xdp_bpf *xdp = steer_xdp_bpf__open();
	int err;

	if (!xdp)
		return -errno;
	err = load_xdp(s, xdp);
	if (!err)
		err = hook_attach(HOOK_XDP, s->nic,
			bpf_program__fd(xdp->progs.steer_frame));
	steer_xdp_bpf__destroy(xdp);
	return err;
}

/* At the interface one of the two steers; for a moment, perhaps both, which
 * does no harm: what the first has passed is our own. */
static int
attach(struct steer *s)
{
	int tc = bpf_program__fd(s->skel->progs.steer_packet);
	int err = hook_attach(HOOK_TC, park_ifindex(s->park), tc);

	if (err)
		return err;
	s->xdp = s->config.xdp ? attach_xdp(s) : -ENOENT;
	if (s->xdp == 0) {
		hook_detach(HOOK_TC, s->nic);
		return 0;
	}
	err = hook_attach(HOOK_TC, s->nic, tc);
	hook_detach(HOOK_XDP, s->nic);
	return err;
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
		err = attach(s);
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
		hook_detach(s->xdp ? HOOK_TC : HOOK_XDP, s->nic);
	steer_bpf__destroy(s->skel);
	park_close(s->park);
}
