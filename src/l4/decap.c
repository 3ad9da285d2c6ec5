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

int
decap_load(const struct decap_config *c)
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

int
decap_attach(const struct decap_config *c)
{
	own_fd int fd = decap_load(c);
	int err;

	if (fd < 0)
		return fd;
	err = bpf_xdp_attach(c->ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
	return err == -EOPNOTSUPP
		? bpf_xdp_attach(c->ifindex, fd, XDP_FLAGS_SKB_MODE, NULL)
		: err;
}

int
decap_detach(int ifindex)
{
	return bpf_xdp_detach(ifindex, 0, NULL);
}
