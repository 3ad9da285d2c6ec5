#include "handoff/window.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <window.skel.h>

#include "base/mem.h"
#include "base/own.h"

struct window {
	struct window_bpf *skel; /* owned */
	int link;		 /* owned */
	int map;		 /* skel's */
};

/* Our control group's path in the hierarchy, with the leading slash; of version
 * 2, whose line in the list is that of number 0. */
static char *
own_group(void)
{
	own_file FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::/", 4))
			return xstrdup(line + 3);
	}
	return NULL;
}

/* Of the hierarchy, wherever it is mounted or not: a mount of our own that is
 * nowhere, and goes with its descriptor. */
static int
open_hierarchy(void)
{
	own_fd int fs = fsopen("cgroup2", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static int
open_group(void)
{
	own_fd int root = open_hierarchy();
	own_free char *path = own_group();
	own_free char *relative = NULL;
	int fd;

	if (root < 0)
		return root;
	if (!path)
		return -ENOENT;
	relative = xasprintf(".%s", path);
	fd = openat(root, relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
load(struct window *w, struct in_addr vip, const struct in6_addr *vip6,
	uint16_t vip_port)
{
	own_fd int group = open_group();
	int err;

	if (group < 0)
		return group;
	w->skel = window_bpf__open();
	if (!w->skel)
		return -errno;
	w->skel->rodata->vip = vip.s_addr;
	memcpy(w->skel->rodata->vip6, vip6, sizeof(*vip6));
	w->skel->rodata->vip_port = vip_port;
	err = window_bpf__load(w->skel);
	if (err)
		return err;
	w->map = bpf_map__fd(w->skel->maps.windows);
	w->link =
		bpf_link_create(bpf_program__fd(w->skel->progs.restore_window),
			group, BPF_CGROUP_SOCK_OPS, NULL);
	return w->link < 0 ? w->link : 0;
}

int
window_open(struct in_addr vip, const struct in6_addr *vip6, uint16_t vip_port,
	struct window **out)
{
	struct window *w = NEW(struct window);
	int err;

	w->link = -1;
	err = load(w, vip, vip6, vip_port);
	if (err) {
		window_close(w);
		return err;
	}
	*out = w;
	return 0;
}

void
window_close(struct window *w)
{
	if (!w)
		return;
	own_fd_(&w->link);
	window_bpf__destroy(w->skel);
	free(w);
}

void
window_set(struct window *w, const struct handoff_key *key, uint32_t segments)
{
	(void)bpf_map_update_elem(w->map, key, &segments, BPF_ANY);
}

void
window_clear(struct window *w, const struct handoff_key *key)
{
	(void)bpf_map_delete_elem(w->map, key);
}
