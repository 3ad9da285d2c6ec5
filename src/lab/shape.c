#include "lab/shape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/own.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/topo.h"

static const struct {
	const char *suffix;
	uint64_t factor;
} rate_units[] = {
	{"gbit", UINT64_C(1000000000)},
	{"mbit", 1000000},
	{"kbit", 1000},
	{"bit", 1},
};

int
shape_parse_rate(struct str s, uint64_t *bits)
{
	for (size_t i = 0; i < sizeof(rate_units) / sizeof(*rate_units); i++) {
		struct str suffix = str_z(rate_units[i].suffix);
		uint64_t n;

		if (s.n <= suffix.n ||
			!str_ieq(
				suffix, str_of(s.p + s.n - suffix.n, suffix.n)))
			continue;
		if (str_u64(str_of(s.p, s.n - suffix.n), 1000000000, &n) < 0 ||
			n * rate_units[i].factor < 8000)
			return -EINVAL;
		*bits = n * rate_units[i].factor;
		return 0;
	}
	return -EINVAL;
}

int
shape_parse_cpu(struct str s, unsigned *millicores)
{
	uint64_t cores = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), n, tenths = 0;
	struct str whole;
	int r;

	if (s.n < 2 || s.p[s.n - 1] != '%')
		return -EINVAL;
	s.n--;
	(void)str_split(&s, '.', &whole);
	r = str_u64(whole, 100 * cores, &n);
	if (r == 0 && s.p)
		r = s.n == 1 ? str_u64(s, 9, &tenths) : -EINVAL;
	if (r < 0)
		return r;
	n = 10 * n + tenths;
	if (n == 0 || n > 1000 * cores)
		return -ERANGE;
	*millicores = (unsigned)n;
	return 0;
}

uint64_t
shape_rate(const struct lab_options *o, const struct topo_host *h)
{
	if (h->kind != TOPO_CLIENT && h->kind != TOPO_MACHINE)
		return o->link_bits;
	return o->client_link_bits ? o->client_link_bits : 10 * o->link_bits;
}

void
shape_queue(struct buf *b, const char *dev, uint64_t bits)
{
	/* A burst of at least 5 ms: a timer that wakes late loses no tokens.
	 * Below 128 KiB, TBF splits large segments, which costs CPU. */
	uint64_t burst = bits / 8 / 200;

	if (burst < 128 << 10)
		burst = 128 << 10;
	buf_printf(b, "qdisc replace dev %s root ", dev);
	if (bits)
		buf_printf(b, "tbf rate %lubit burst %lu limit %lu\n", bits,
			burst, 2 * burst);
	else
		buf_z(b, "pfifo limit 1000\n");
}

void
shape_switch_batch(struct buf *b, const struct lab_options *o)
{
	for (unsigned i = 0; i < TOPO_FIRST_NODE + o->nodes; i++) {
		struct topo_host h = topo_host(i);

		shape_queue(b, h.port, shape_rate(o, &h));
		if (h.kind != TOPO_BALANCER)
			continue;
		shape_queue(b, SHAPE_BALANCER_IFB, shape_rate(o, &h));
		buf_printf(b,
			"qdisc add dev %s ingress\n"
			"filter add dev %s parent ffff: protocol all u32"
			" match u32 0 0 action mirred egress redirect"
			" dev " SHAPE_BALANCER_IFB "\n",
			h.port, h.port);
	}
}

/* Where the machine keeps its CPU controller. On version 2 there is one tree
 * and the controller must be let down into each level. */
struct cpu_tree {
	const char *root;
	bool v2;
};

static struct cpu_tree
cpu_tree(void)
{
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		return (struct cpu_tree){"/sys/fs/cgroup", true};
	return (struct cpu_tree){"/sys/fs/cgroup/cpu", false};
}

/* TREE/sevenfold-lab[/host] */
static char *
group_path(const char *host)
{
	return xasprintf("%s/sevenfold-lab%s%s", cpu_tree().root,
		host ? "/" : "", host ? host : "");
}

static int
group_write(const char *dir, const char *file, const char *value)
{
	own_free char *path = xasprintf("%s/%s", dir, file);
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, value, strlen(value)) > 0)
		return 0;
	int err = errno;

	fprintf(stderr, "lab: CPU shares: %s: %s\n", path, strerror(err));
	return -err;
}

static int
group_make(const char *dir)
{
	if (mkdir(dir, 0755) == 0)
		return 0;
	int err = errno;

	fprintf(stderr, "lab: CPU shares: %s: %s\n", dir, strerror(err));
	return -err;
}

static int
group_limit(const char *dir, unsigned millicores)
{
	/* A short period makes a smooth limit; the kernel refuses quotas
	 * below 1 ms, and periods above a second. */
	unsigned shortest_us = 1000000 / millicores;
	unsigned period_us = shortest_us > 20000 ? shortest_us : 20000;
	char period[16], quota[16], both[40];
	int r;

	snprintf(period, sizeof(period), "%u", period_us);
	snprintf(quota, sizeof(quota), "%lu",
		((uint64_t)period_us * millicores + 999) / 1000);
	snprintf(both, sizeof(both), "%s %s", quota, period);
	if (cpu_tree().v2)
		return group_write(dir, "cpu.max", both);
	r = group_write(dir, "cpu.cfs_period_us", period);
	return r < 0 ? r : group_write(dir, "cpu.cfs_quota_us", quota);
}

static int
groups_base(void)
{
	own_free char *base = group_path(NULL);
	struct cpu_tree t = cpu_tree();
	int r = t.v2 ? group_write(t.root, "cgroup.subtree_control", "+cpu")
		     : 0;

	if (r == 0)
		r = group_make(base);
	if (r == 0 && t.v2)
		r = group_write(base, "cgroup.subtree_control", "+cpu");
	return r;
}

int
shape_cpu_up(const struct lab_options *o)
{
	int r = o->cpu_millicores ? groups_base() : 0;

	for (unsigned i = 0; i < o->nodes && o->cpu_millicores && r == 0; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);
		own_free char *dir = group_path(h.name);

		r = group_make(dir);
	}
	return r;
}

int
shape_cpu_limit(const struct lab_options *o)
{
	int r = 0;

	for (unsigned i = 0; i < o->nodes && o->cpu_millicores && r == 0; i++) {
		struct topo_host h = topo_host(TOPO_FIRST_NODE + i);
		own_free char *dir = group_path(h.name);

		r = group_limit(dir, o->cpu_millicores);
	}
	return r;
}

int
shape_cpu_join(const char *host)
{
	own_free char *dir = group_path(host);

	if (access(dir, F_OK) < 0)
		return 0;
	return group_write(dir, "cgroup.procs", "0");
}

bool
shape_cpu_remains(void)
{
	own_free char *base = group_path(NULL);

	return access(base, F_OK) == 0;
}

/* A group can stay busy for a moment after its last process has died. */
static int
group_remove(const char *dir)
{
	for (int tries = 0; rmdir(dir) < 0; tries++) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBUSY || tries == 100) {
			fprintf(stderr, "lab: can't remove %s: %m\n", dir);
			return -EBUSY;
		}
		usleep(10000);
	}
	return 0;
}

int
shape_cpu_down(void)
{
	own_free char *base = group_path(NULL);
	DIR *d = opendir(base);
	struct dirent *e;
	int r = 0;

	while (d && (e = readdir(d))) {
		own_free char *dir = group_path(e->d_name);

		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
			group_remove(dir) < 0)
			r = -EBUSY;
	}
	if (!d)
		return 0;
	closedir(d);
	return group_remove(base) < 0 ? -EBUSY : r;
}

struct tc_job {
	const char *dev;
	int out;
};

static int
run_tc(const void *arg)
{
	const struct tc_job *j = arg;

	dup2(j->out, STDOUT_FILENO);
	execlp("tc", "tc", "-s", "-j", "qdisc", "show", "dev", j->dev,
		(char *)NULL);
	return -errno;
}

/* {"root":true,"bytes":...,"packets":...} among the queues of a device */
static int
root_queue(const json_t *queues, uint64_t *bytes, uint64_t *frames)
{
	size_t i;
	json_t *q;

	json_array_foreach(queues, i, q)
	{
		if (!json_is_true(json_object_get(q, "root")))
			continue;
		*bytes = (uint64_t)json_integer_value(
			json_object_get(q, "bytes"));
		*frames = (uint64_t)json_integer_value(
			json_object_get(q, "packets"));
		return 0;
	}
	return -ENOENT;
}

static int
read_queue(const char *ns, const char *dev, uint64_t *bytes, uint64_t *frames)
{
	int fds[2], r;
	json_t *queues;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	struct tc_job j = {dev, fds[1]};
	pid_t pid = netns_start(ns, run_tc, &j);

	close(fds[1]);
	queues = json_loadfd(fds[0], 0, NULL);
	close(fds[0]);
	r = netns_wait(pid);
	if (r == 0)
		r = root_queue(queues, bytes, frames);
	json_decref(queues);
	return r;
}

int
shape_counters(const struct topo_host *h, struct lab_counters *out)
{
	struct lab_counters c = {0};
	bool balancer = h->kind == TOPO_BALANCER;
	const char *own_ns = h->kind == TOPO_MACHINE ? NULL : h->name;
	int r = read_queue(
		"switch", h->port, &c.to_host_bytes, &c.to_host_frames);

	if (r == 0)
		r = read_queue(balancer ? "switch" : own_ns,
			balancer ? SHAPE_BALANCER_IFB : h->dev,
			&c.from_host_bytes, &c.from_host_frames);
	if (r == 0)
		*out = c;
	return r;
}
