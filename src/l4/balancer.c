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
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LINK_PIN "link"

struct balancer {
	struct balancer_bpf *skel; /* owned */
	int link;		   /* owned; -1 when not attached */
	enum balancer_xdp mode;	   /* of the link */
	uint32_t ifindex;
	char *pin; /* owned; NULL: nowhere */
	bool resumed;
	struct l4_image image; /* mapped */
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

/* --- maps
 * --------------------------------------------------------------------- */

static char *
pin_path(const struct balancer *b, const char *name)
{
	return xasprintf("%s/%s", b->pin, name);
}

/* The flow table that is pinned keeps its size. */
static void
keep_size(struct balancer *b)
{
	own_free char *path = pin_path(b, "buckets");
	own_fd int fd = bpf_obj_get(path);
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return;
	b->resumed = true;
	b->image.n_buckets = info.max_entries;
}

static int
pin_maps(struct balancer *b)
{
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, b->skel->obj)
	{
		own_free char *path = pin_path(b, bpf_map__name(map));

		err = bpf_map__set_pin_path(map, path);
		if (err)
			return err;
	}
	return 0;
}

static int
map_memory(const struct bpf_map *map, uint32_t n, size_t size, void **out)
{
	void *p = mmap(NULL, (n * size + 4095) & ~(size_t)4095,
		PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

static int
size_maps(struct balancer *b)
{
	int err = 0;

#define MAP(name, type, n)                      \
	if (!err)                               \
		err = bpf_map__set_max_entries( \
			b->skel->maps.name, b->image.n_##name);
#include "l4/maps.def"
#undef MAP
	return err;
}

static int
map_maps(struct balancer *b)
{
	int err = 0;
	void *p;

#define MAP(name_, type, n)                                               \
	if (!err) {                                                       \
		err = map_memory(b->skel->maps.name_, b->image.n_##name_, \
			sizeof(type), &p);                                \
		if (!err)                                                 \
			b->image.name_ = p;                               \
	}
#include "l4/maps.def"
#undef MAP
	return err;
}

static void
unmap_maps(struct balancer *b)
{
#define MAP(name, type, n)                                          \
	if (b->image.name)                                          \
		munmap(b->image.name,                               \
			(b->image.n_##name * sizeof(type) + 4095) & \
				~(size_t)4095);
#include "l4/maps.def"
#undef MAP
}

static int
load(struct balancer *b, const struct balancer_config *config)
{
	int cpus = libbpf_num_possible_cpus(), err;

	if (cpus < 0)
		return cpus;
	b->skel = balancer_bpf__open();
	if (!b->skel)
		return -errno;
	l4_image_size(&b->image, (uint32_t)cpus, config->flows);
	if (b->pin) {
		keep_size(b);
		err = pin_maps(b);
		if (err)
			return err;
	}
	err = size_maps(b);
	if (!err)
		err = balancer_bpf__load(b->skel);
	return err ? err : map_maps(b);
}

/* DIR and what is above it, in the BPF file system. */
static void
make_dir(const char *pin)
{
	own_free char *path = xstrdup(pin);

	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		(void)mkdir(path, 0700);
		*p = '/';
	}
	(void)mkdir(path, 0700);
}

int
balancer_open(const struct balancer_config *config, struct balancer **out)
{
	struct balancer *b = NEW(struct balancer);
	int err;

	b->link = -1;
	b->ifindex = config->ifindex;
	if (config->pin) {
		b->pin = xstrdup(config->pin);
		make_dir(b->pin);
	}
	err = load(b, config);
	if (err) {
		if (!b->resumed)
			balancer_unpin(b);
		balancer_close(b);
		return err;
	}
	if (!b->resumed)
		l4_image_start(&b->image);
	memcpy(b->image.ctl->mac, config->mac, ETH_ALEN);
	b->image.ctl->ifindex = config->ifindex;
	*out = b;
	return 0;
}

void
balancer_close(struct balancer *b)
{
	if (!b)
		return;
	own_fd_(&b->link);
	unmap_maps(b);
	balancer_bpf__destroy(b->skel);
	free(b->pin);
	free(b);
}

static void
unpin(const struct balancer *b, const char *name)
{
	own_free char *path = pin_path(b, name);

	(void)unlink(path);
}

void
balancer_unpin(struct balancer *b)
{
	if (!b->pin)
		return;
	unpin(b, LINK_PIN);
#define MAP(name, type, n) unpin(b, #name);
#include "l4/maps.def"
#undef MAP
	(void)rmdir(b->pin);
}

/* --- attachment
 * ----------------------------------------------------------------- */

static int
attach_as(struct balancer *b, enum balancer_xdp xdp)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.flags = xdp == BALANCER_NATIVE ? XDP_FLAGS_DRV_MODE
						: XDP_FLAGS_SKB_MODE);
	int fd = bpf_link_create(
		balancer_prog_fd(b), (int)b->ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return fd;
	b->link = fd;
	b->mode = xdp;
	b->image.ctl->mode = xdp;
	return 0;
}

/* The attachment that an earlier process left: this program instead of its. */
static int
resume_link(struct balancer *b)
{
	own_free char *path = pin_path(b, LINK_PIN);
	own_fd int fd = bpf_obj_get(path);
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	if (fd < 0)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ||
		info.xdp.ifindex != b->ifindex ||
		bpf_link_update(fd, balancer_prog_fd(b), NULL) < 0) {
		(void)unlink(path);
		return -ENOENT;
	}
	b->link = take_fd(&fd);
	b->mode = (enum balancer_xdp)b->image.ctl->mode;
	return 0;
}

static int
attach_new(struct balancer *b, enum balancer_xdp xdp)
{
	int err;

	if (xdp != BALANCER_AUTO)
		return attach_as(b, xdp);
	err = attach_as(b, BALANCER_NATIVE);
	if (!err || err == -EBUSY || err == -EEXIST || err == -EPERM)
		return err;
	log_warn("xdp_not_native error=%s using=generic",
		log_quote(str_z(strerror(-err))).z);
	return attach_as(b, BALANCER_GENERIC);
}

int
balancer_attach(struct balancer *b, enum balancer_xdp xdp)
{
	own_free char *path = b->pin ? pin_path(b, LINK_PIN) : NULL;
	int err;

	CHECK(b->link < 0);
	if (path && !resume_link(b))
		return 0;
	err = attach_new(b, xdp);
	if (!err && path)
		err = bpf_obj_pin(b->link, path);
	return err;
}

const char *
balancer_mode(const struct balancer *b)
{
	if (b->link < 0)
		return "none";
	return b->mode == BALANCER_NATIVE ? "native" : "generic";
}

bool
balancer_resumed(const struct balancer *b)
{
	return b->resumed;
}

void
balancer_settle(void)
{
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* --- counters
 * --------------------------------------------------------------------- */

struct l4_image *
balancer_image(struct balancer *b)
{
	return &b->image;
}

void
balancer_stat(const struct l4_image *i, uint16_t dest, struct l4_stat *out)
{
	*out = (struct l4_stat){0};
	for (uint32_t at = dest; at < i->n_stats; at += L4_DESTS_MAX) {
		const struct l4_stat *s = &i->stats[at];

		out->connections += s->connections;
		out->in_packets += s->in_packets;
		out->out_packets += s->out_packets;
		out->in_bytes += s->in_bytes;
		out->out_bytes += s->out_bytes;
	}
}

void
balancer_verdicts(const struct l4_image *i, uint64_t out[L4_VERDICTS])
{
	memset(out, 0, L4_VERDICTS * sizeof(*out));
	for (uint32_t cpu = 0; cpu < i->n_tallies; cpu++)
		for (unsigned v = 0; v < L4_VERDICTS; v++)
			out[v] += i->tallies[cpu].verdict[v];
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
