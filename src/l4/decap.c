#include "l4/decap.h"

#include "base/own.h"
#include "l4/decap_abi.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <decap.skel.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <string.h>

static int
put_addrs(struct decap_bpf *skel, const union l4_addr *v, size_t n,
	enum decap_kind kind)
{
	uint32_t one = 1;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct decap_addr a = {.kind = kind};

		memcpy(a.w, &v[i], sizeof(a.w));
		err = bpf_map_update_elem(
			bpf_map__fd(skel->maps.addrs), &a, &one, BPF_ANY);
	}
	return err;
}

static int
load(const struct decap_config *c)
{
	struct decap_bpf *skel = decap_bpf__open();
	int err, fd = -1;

	if (!skel)
		return -errno;
	if (c->gue_port)
		skel->rodata->gue_port = c->gue_port;
	err = decap_bpf__load(skel);
	if (!err)
		err = put_addrs(
			skel, c->balancers, c->nbalancers, DECAP_BALANCER);
	if (!err)
		err = put_addrs(skel, c->vips, c->nvips, DECAP_VIP);
	if (!err) {
		fd = fcntl(
			bpf_program__fd(skel->progs.decap), F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	decap_bpf__destroy(skel);
	return err ? err : fd;
}

/* The program on the interface, if it's one like ours, and the flag of its
 * mode. -ENOENT: there is none. -EBUSY: it's somebody else's. */
static int
find_ours(int ifindex, uint32_t *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	own_fd int fd = -1;
	int err = bpf_xdp_query(ifindex, 0, &q);

	if (err)
		return err;
	if (q.attach_mode == XDP_ATTACHED_NONE)
		return -ENOENT;
	fd = q.prog_id ? bpf_prog_get_fd_by_id(q.prog_id) : -EBUSY;
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (strcmp(info.name, "decap") != 0)
		return -EBUSY;
	*mode = q.attach_mode == XDP_ATTACHED_SKB ? XDP_FLAGS_SKB_MODE
						  : XDP_FLAGS_DRV_MODE;
	return take_fd(&fd);
}

int
decap_attach(const struct decap_config *c)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	uint32_t mode = XDP_FLAGS_DRV_MODE;
	own_fd int fd = load(c), old = -1;
	int err;

	if (fd < 0)
		return fd;
	old = find_ours(c->ifindex, &mode);
	if (old >= 0) {
		opts.old_prog_fd = old;
		return bpf_xdp_attach(c->ifindex, fd, mode, &opts);
	}
	if (old != -ENOENT)
		return old;
	err = bpf_xdp_attach(c->ifindex, fd,
		XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	return err == -EOPNOTSUPP
		? bpf_xdp_attach(c->ifindex, fd,
			  XDP_FLAGS_SKB_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST,
			  NULL)
		: err;
}

int
decap_detach(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	uint32_t mode = 0;
	own_fd int old = find_ours(ifindex, &mode);

	if (old < 0)
		return old == -ENOENT ? 0 : old;
	opts.old_prog_fd = old;
	return bpf_xdp_detach(ifindex, mode, &opts);
}
