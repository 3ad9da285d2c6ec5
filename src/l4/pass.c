#include "l4/pass.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pass.skel.h>

int
l4_pass_attach(int ifindex)
{
	struct pass_bpf *skel = pass_bpf__open_and_load();
	int err;

	if (!skel)
		return -errno;
	err = bpf_xdp_attach(ifindex, bpf_program__fd(skel->progs.pass),
		XDP_FLAGS_DRV_MODE, NULL);
	pass_bpf__destroy(skel);
	return err;
}

int
l4_pass_detach(int ifindex)
{
	return bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
}
