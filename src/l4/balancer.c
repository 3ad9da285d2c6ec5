#include "l4/balancer.h"

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"

#include <balancer.skel.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define SERVICE_ID 0u /* the only one so far */

struct balancer {
	struct balancer_bpf *skel; /* owned */
	int link;		   /* owned; -1 when not attached */
	enum balancer_xdp mode;	   /* of the link */
	struct l4_service_key service;
	uint32_t generation; /* of the service's list */
	size_t nodes;
	bool up[L4_DESTS_MAX];
};

bool
balancer_permitted(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t has;

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	has = data[0].effective | (uint64_t)data[1].effective << 32;
	if (has >> CAP_SYS_ADMIN & 1) /* stands for the two newer ones */
		has |= 1ull << CAP_BPF | 1ull << CAP_PERFMON;
	return (has >> CAP_NET_ADMIN & 1) && (has >> CAP_BPF & 1) &&
		(has >> CAP_PERFMON & 1);
}

/* The usable nodes into the list that is not in use, then switches to it. */
static int
write_list(struct balancer *b)
{
	uint32_t next = b->generation + 1;
	uint32_t slot = SERVICE_ID * 2 + next % 2;
	struct l4_service service = {.id = SERVICE_ID, .generation = next};
	struct l4_list list = {0};
	int err;

	for (uint32_t i = 0; i < b->nodes; i++)
		if (b->up[i])
			list.dest[list.n++] = i;
	err = bpf_map_update_elem(
		bpf_map__fd(b->skel->maps.lists), &slot, &list, BPF_ANY);
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(b->skel->maps.services),
			&b->service, &service, BPF_ANY);
	if (!err)
		b->generation = next;
	return err;
}

static int
write_dest(struct balancer *b, size_t node, const uint8_t mac[ETH_ALEN])
{
	uint32_t key = (uint32_t)node;
	struct l4_dest dest = {.flags = b->up[node] ? L4_DEST_UP : 0};

	memcpy(dest.mac, mac, ETH_ALEN);
	return bpf_map_update_elem(
		bpf_map__fd(b->skel->maps.dests), &key, &dest, BPF_ANY);
}

static int
write_service(struct balancer *b)
{
	struct l4_service_key address = b->service;
	struct l4_service service = {.id = SERVICE_ID};
	int err = write_list(b);

	/* for fragments, which have no port */
	address.port = 0;
	return err ? err
		   : bpf_map_update_elem(bpf_map__fd(b->skel->maps.services),
			     &address, &service, BPF_ANY);
}

static int
load(struct balancer *b, const struct balancer_config *config)
{
	int err;

	b->skel = balancer_bpf__open();
	if (!b->skel)
		return -errno;
	memcpy(b->skel->rodata->own_mac, config->mac, ETH_ALEN);
	err = bpf_map__set_max_entries(b->skel->maps.flows, config->flows_max);
	if (!err)
		err = balancer_bpf__load(b->skel);
	return err ? err : write_service(b);
}

int
balancer_open(const struct balancer_config *config, struct balancer **out)
{
	struct balancer *b;
	int err;

	if (config->nodes > L4_DESTS_MAX)
		return -E2BIG;
	b = NEW(struct balancer);
	b->link = -1;
	b->nodes = config->nodes;
	b->service = (struct l4_service_key){
		.vip = config->vip.s_addr,
		.port = htons(config->port),
		.proto = IPPROTO_TCP,
	};
	err = load(b, config);
	if (err) {
		balancer_close(b);
		return err;
	}
	*out = b;
	return 0;
}

void
balancer_close(struct balancer *b)
{
	if (!b)
		return;
	own_fd_(&b->link);
	balancer_bpf__destroy(b->skel);
	free(b);
}

static int
attach_as(struct balancer *b, int ifindex, enum balancer_xdp xdp)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.flags = xdp == BALANCER_NATIVE ? XDP_FLAGS_DRV_MODE
						: XDP_FLAGS_SKB_MODE);
	int fd = bpf_link_create(balancer_prog_fd(b), ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return fd;
	b->link = fd;
	b->mode = xdp;
	return 0;
}

int
balancer_attach(struct balancer *b, int ifindex, enum balancer_xdp xdp)
{
	int err;

	CHECK(b->link < 0);
	if (xdp != BALANCER_AUTO)
		return attach_as(b, ifindex, xdp);
	err = attach_as(b, ifindex, BALANCER_NATIVE);
	if (!err || err == -EBUSY || err == -EEXIST || err == -EPERM)
		return err;
	log_warn("xdp_not_native error=%s using=generic",
		log_quote(str_z(strerror(-err))).z);
	return attach_as(b, ifindex, BALANCER_GENERIC);
}

const char *
balancer_mode(const struct balancer *b)
{
	if (b->link < 0)
		return "none";
	return b->mode == BALANCER_NATIVE ? "native" : "generic";
}

int
balancer_set(
	struct balancer *b, size_t node, const uint8_t mac[ETH_ALEN], bool up)
{
	bool was;
	int err;

	CHECK(node < b->nodes);
	was = b->up[node];
	b->up[node] = up;
	/* abi.h has the order: a list never names a node that is not ready */
	if (was && !up) {
		err = write_list(b);
		return err ? err : write_dest(b, node, mac);
	}
	err = write_dest(b, node, mac);
	return err || was == up ? err : write_list(b);
}

/* Sums one element of a per-CPU map, which is n 64-bit words. */
static int
sum(const struct bpf_map *map, uint32_t key, uint64_t *out, size_t n)
{
	int cpus = libbpf_num_possible_cpus(), err;
	own_free uint64_t *v = NULL;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus * n, sizeof(*v));
	err = bpf_map_lookup_elem(bpf_map__fd(map), &key, v);
	if (err)
		return err;
	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < (size_t)cpus * n; i++)
		out[i % n] += v[i];
	return 0;
}

int
balancer_node_count(
	const struct balancer *b, size_t node, struct l4_dest_count *out)
{
	uint64_t v[sizeof(*out) / sizeof(uint64_t)];
	int err = sum(b->skel->maps.dest_count, (uint32_t)node, v,
		sizeof(v) / sizeof(v[0]));

	if (!err)
		memcpy(out, v, sizeof(*out));
	return err;
}

int
balancer_verdicts(const struct balancer *b, uint64_t out[L4_VERDICTS])
{
	int err = 0;

	for (uint32_t i = 0; i < L4_VERDICTS && !err; i++)
		err = sum(b->skel->maps.verdicts, i, &out[i], 1);
	return err;
}

const char *
balancer_verdict_name(enum l4_verdict v)
{
	static const char *const names[] = {
#define VERDICT(name, action, text) #name,
#include "l4/verdicts.def"
#undef VERDICT
	};

	CHECK(v < L4_VERDICTS);
	return names[v];
}

int
balancer_prog_fd(const struct balancer *b)
{
	return bpf_program__fd(b->skel->progs.balancer);
}
