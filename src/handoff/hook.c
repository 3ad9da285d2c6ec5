#include "handoff/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

enum {
	TC_HANDLE = 1,
	TC_PRIORITY = 0x5f01, /* ours among other filters */
};

#define XDP_NAME "steer_frame"

/* --- tc ------------------------------------------------------------------- */

#define TC_HOOK(name, ifindex_)                                    \
	LIBBPF_OPTS(bpf_tc_hook, name, .ifindex = (int)(ifindex_), \
		.attach_point = BPF_TC_INGRESS)
#define TC_OPTS(name, ...)                                  \
	LIBBPF_OPTS(bpf_tc_opts, name, .handle = TC_HANDLE, \
		.priority = TC_PRIORITY, ##__VA_ARGS__)

static int
tc_find(unsigned ifindex)
{
	TC_HOOK(hook, ifindex);
	TC_OPTS(opts);

	if (bpf_tc_query(&hook, &opts))
		return -1;
	return bpf_prog_get_fd_by_id(opts.prog_id);
}

static int
tc_attach(unsigned ifindex, int prog)
{
	TC_HOOK(hook, ifindex);
	TC_OPTS(opts, .flags = BPF_TC_F_REPLACE, .prog_fd = prog);
	int err = bpf_tc_hook_create(&hook);

	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &opts);
}

static void
tc_detach(unsigned ifindex)
{
	TC_HOOK(hook, ifindex);
	TC_OPTS(opts);

	(void)bpf_tc_detach(&hook, &opts);
}

/* --- XDP ------------------------------------------------------------------ */

/* An interface has one such program, ours or not. */
static int
xdp_find(unsigned ifindex)
{
	struct bpf_prog_info info = {0};
	uint32_t id, n = sizeof(info);
	own_fd int prog = -1;

	if (bpf_xdp_query_id((int)ifindex, XDP_FLAGS_DRV_MODE, &id) || !id)
		return -1;
	prog = bpf_prog_get_fd_by_id(id);
	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &n) < 0 ||
		strcmp(info.name, XDP_NAME) != 0)
		return -1;
	return take_fd(&prog);
}

static int
xdp_attach(unsigned ifindex, int prog)
{
	own_fd int before = xdp_find(ifindex);
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = before);

	if (before < 0)
		return bpf_xdp_attach((int)ifindex, prog,
			XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	return bpf_xdp_attach((int)ifindex, prog,
		XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE, &opts);
}

static void
xdp_detach(unsigned ifindex)
{
	own_fd int before = xdp_find(ifindex);
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = before);

	if (before >= 0)
		(void)bpf_xdp_detach((int)ifindex,
			XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE, &opts);
}

/* --- either; libbpf would say aloud what is returned ---------------------- */

int
hook_find(enum hook hook, unsigned ifindex)
{
	libbpf_print_fn_t loud = libbpf_set_print(NULL);
	int prog = hook == HOOK_TC ? tc_find(ifindex) : xdp_find(ifindex);

	(void)libbpf_set_print(loud);
	return prog;
}

int
hook_attach(enum hook hook, unsigned ifindex, int prog)
{
	libbpf_print_fn_t loud = libbpf_set_print(NULL);
	int err = hook == HOOK_TC ? tc_attach(ifindex, prog)
				  : xdp_attach(ifindex, prog);

	(void)libbpf_set_print(loud);
	return err;
}

void
hook_detach(enum hook hook, unsigned ifindex)
{
	libbpf_print_fn_t loud = libbpf_set_print(NULL);

	if (hook == HOOK_TC)
		tc_detach(ifindex);
	else
		xdp_detach(ifindex);
	(void)libbpf_set_print(loud);
}
