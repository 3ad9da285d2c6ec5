#include "lab/topo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/pass.h"
#include "lab/arch.h"
#include "lab/lab.h"
#include "lab/machine.h"
#include "lab/netns.h"
#include "lab/shape.h"

#define BALANCER_PORT "p-balancer"

static const struct {
	const char *name;
	uint32_t addr;
} fixed[TOPO_FIRST_NODE] = {
	[TOPO_MACHINE] = {"machine", TOPO_NET_ADDR + 0xfffe},
	[TOPO_CLIENT] = {"client", TOPO_NET_ADDR + 10},
	[TOPO_BALANCER] = {"balancer", TOPO_NET_ADDR + 2},
	[TOPO_ORIGIN] = {"origin", TOPO_NET_ADDR + 3},
};

struct topo_host
topo_host(unsigned index)
{
	struct topo_host h = {.kind = TOPO_NODE, .dev = "eth0"};
	uint32_t a;

	if (index < TOPO_FIRST_NODE) {
		h.kind = (enum topo_kind)index;
		a = fixed[index].addr;
		snprintf(h.name, sizeof(h.name), "%s", fixed[index].name);
	} else {
		h.node = index - TOPO_FIRST_NODE + 1;
		a = TOPO_NET_ADDR + 0x100 + h.node;
		snprintf(h.name, sizeof(h.name), "n%u", h.node);
	}
	if (h.kind == TOPO_MACHINE)
		h.dev = MACHINE_DEV;
	snprintf(h.port, sizeof(h.port), "p-%s", h.name);
	snprintf(h.addr, sizeof(h.addr), "%u.%u.%u.%u", a >> 24, a >> 16 & 255,
		a >> 8 & 255, a & 255);
	/* Locally administered, and readable in a packet dump. */
	snprintf(h.mac, sizeof(h.mac), "02:07:%02x:%02x:%02x:%02x", a >> 24,
		a >> 16 & 255, a >> 8 & 255, a & 255);
	return h;
}

bool
topo_find(const char *name, struct topo_host *out)
{
	for (unsigned i = 0; i < TOPO_FIRST_NODE + LAB_NODES_MAX; i++) {
		struct topo_host h = topo_host(i);

		if (strcmp(h.name, name) != 0)
			continue;
		*out = h;
		return true;
	}
	return false;
}

static void
switch_batch(struct buf *b, const struct lab_options *o, int machine)
{
	buf_z(b,
		"link set lo up\n"
		"link add br0 type bridge stp_state 0 mcast_snooping 0\n"
		"link set br0 up\n"
		"link add " SHAPE_BALANCER_IFB " type ifb\n"
		"link set " SHAPE_BALANCER_IFB " up\n");
	for (unsigned i = 0; i < TOPO_FIRST_NODE + o->nodes; i++) {
		struct topo_host h = topo_host(i);

		buf_printf(b,
			"link add %s type veth peer name %s address %s netns ",
			h.port, h.dev, h.mac);
		if (h.kind == TOPO_MACHINE)
			buf_printf(b, "%d\n", machine);
		else
			buf_printf(b, NETNS_PREFIX "%s\n", h.name);
		buf_printf(b, "link set %s master br0 up\n", h.port);
	}
}

static void
host_batch(struct buf *b, const struct topo_host *h)
{
	static const char *const vip[] = {
		[TOPO_MACHINE] = "route add " LAB_VIP " dev " MACHINE_DEV
				 " congctl reno\n",
		[TOPO_CLIENT] = "route add " LAB_VIP " dev eth0\n",
		[TOPO_BALANCER] = "addr add " LAB_VIP "/32 dev eth0\n",
		[TOPO_ORIGIN] = "",
		[TOPO_NODE] = "addr add " LAB_VIP "/32 dev lo\n",
	};

	if (h->kind != TOPO_MACHINE)
		buf_z(b, "link set lo up\n");
	buf_printf(b, "addr add %s/16 dev %s\nlink set %s up\n%s", h->addr,
		h->dev, h->dev, vip[h->kind]);
}

/* Addresses beside those of IPv4, 2001:db8:0:1::198.18.x.y, and the vip's. */
static void
host_batch6(struct buf *b, const struct topo_host *h)
{
	static const char *const vip[] = {
		[TOPO_MACHINE] = "",
		[TOPO_CLIENT] = "route add " LAB_VIP6 " dev eth0\n",
		[TOPO_BALANCER] = "addr add " LAB_VIP6 "/128 dev eth0 nodad\n",
		[TOPO_ORIGIN] = "",
		[TOPO_NODE] = "addr add " LAB_VIP6 "/128 dev lo nodad\n",
	};

	if (h->kind == TOPO_MACHINE || h->kind == TOPO_ORIGIN)
		return;
	buf_printf(b, "addr add 2001:db8:0:1::%s/64 dev %s nodad\n%s", h->addr,
		h->dev, vip[h->kind]);
}

static const char *const ip_batch[] = {"ip", "-batch", "-", NULL};
static const char *const tc_batch[] = {"tc", "-batch", "-", NULL};

static int
feed(const char *const argv[], struct buf *b)
{
	int r = netns_feed(argv, buf_view(b));

	buf_fini(b);
	return r;
}

struct setting {
	const char *path, *value;
};

static const struct setting everywhere[] = {
	{"ipv6/conf/all/disable_ipv6", "1"},
	{"ipv6/conf/default/disable_ipv6", "1"},
	{"bridge/bridge-nf-call-iptables", "0"},
	{"bridge/bridge-nf-call-ip6tables", "0"},
	{"bridge/bridge-nf-call-arptables", "0"},
	/* A namespace inherits the machine's; BBR fights the links' queues. */
	{"ipv4/tcp_congestion_control", "reno"},
	{NULL, NULL},
};
/* Nobody but us gives out addresses, and none is taken already. */
static const struct setting with_ipv6[] = {
	{"ipv6/conf/all/disable_ipv6", "0"},
	{"ipv6/conf/default/disable_ipv6", "0"},
	{"ipv6/conf/lo/disable_ipv6", "0"},
	{"ipv6/conf/eth0/disable_ipv6", "0"},
	{"ipv6/conf/eth0/accept_ra", "0"},
	{"ipv6/conf/eth0/accept_dad", "0"},
	{NULL, NULL},
};
/* Only the balancer answers ARP for the VIP. */
static const struct setting on_nodes[] = {
	{"ipv4/conf/all/arp_ignore", "1"},
	{"ipv4/conf/all/arp_announce", "2"},
	{NULL, NULL},
};
/* One host that stands for many needs many ports to one address. */
static const struct setting on_client[] = {
	{"ipv4/ip_local_port_range", "1024 65535"},
	{"ipv4/tcp_tw_reuse", "1"},
	{NULL, NULL},
};

static int
set(const char *path, const char *value)
{
	char full[96];

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	own_fd int fd = open(full, O_WRONLY | O_CLOEXEC);

	/* No IPv6, or no netfilter on bridges: then it is off already. */
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0 && write(fd, value, strlen(value)) > 0)
		return 0;
	fprintf(stderr, "lab: %s: %m\n", full);
	return -EIO;
}

static int
apply(const struct setting *s)
{
	for (; s->path; s++)
		if (set(s->path, s->value) < 0)
			return -EIO;
	return 0;
}

/* What native XDP at a veth needs from the other end, here in the switch:
 * finished checksums, and a program there, or XDP_TX frames are never
 * delivered.
 */
static int
prepare_native_xdp(const char *port)
{
	struct ethtool_value tx = {.cmd = ETHTOOL_STXCSUM, .data = 0};
	struct ifreq ifr = {.ifr_data = (void *)&tx};
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", port);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0) {
		fprintf(stderr, "lab: checksum offload of %s: %m\n", port);
		return -EIO;
	}
	r = l4_pass_attach((int)if_nametoindex(port));
	if (r < 0)
		fprintf(stderr, "lab: XDP on %s: %s\n", port, strerror(-r));
	return r;
}

static int
prepare_ports(const struct lab_options *o)
{
	unsigned nodes = o->hook == CONF_HOOK_XDP ? o->nodes : 0;
	int r = 0;

	if (!o->arch->front && o->xdp != CONF_XDP_GENERIC)
		r = prepare_native_xdp(BALANCER_PORT);
	for (unsigned i = 0; i < nodes && r == 0; i++)
		r = prepare_native_xdp(topo_host(TOPO_FIRST_NODE + i).port);
	return r;
}

struct job {
	const struct lab_options *o;
	pid_t machine;
	struct topo_host host;
};

/* in the switch */
static int
make_switch(const void *arg)
{
	const struct job *j = arg;
	struct buf links = {0}, queues = {0};

	switch_batch(&links, j->o, j->machine);
	shape_switch_batch(&queues, j->o);
	if (apply(everywhere) < 0 || feed(ip_batch, &links) < 0 ||
		feed(tc_batch, &queues) < 0)
		return -EIO;
	return prepare_ports(j->o);
}

/* in the host */
static int
make_host(const void *arg)
{
	const struct job *j = arg;
	const struct topo_host *h = &j->host;
	struct buf addresses = {0}, queue = {0};

	if (h->kind == TOPO_MACHINE)
		(void)set("ipv6/conf/" MACHINE_DEV "/disable_ipv6", "1");
	else if (apply(everywhere) < 0)
		return -EIO;
	if (h->kind == TOPO_NODE && apply(on_nodes) < 0)
		return -EIO;
	if (h->kind == TOPO_CLIENT && apply(on_client) < 0)
		return -EIO;
	host_batch(&addresses, h);
	if (j->o->ipv6 && h->kind != TOPO_MACHINE && apply(with_ipv6) < 0)
		return -EIO;
	if (j->o->ipv6)
		host_batch6(&addresses, h);
	if (feed(ip_batch, &addresses) < 0)
		return -EIO;
	/* What XDP sends passes no queue: the balancer is shaped at the
	 * switch. A front sends as others do, and is shaped there too. */
	if (h->kind == TOPO_BALANCER && !j->o->arch->front)
		shape_queue(&queue, h->dev, 0);
	else
		shape_queue(&queue, h->dev, shape_rate(j->o, h));
	return feed(tc_batch, &queue);
}

static int
make_namespaces(const struct lab_options *o)
{
	struct buf b = {0};

	buf_z(&b, "netns add " NETNS_PREFIX "switch\n");
	for (unsigned i = TOPO_MACHINE + 1; i < TOPO_FIRST_NODE + o->nodes; i++)
		buf_printf(&b, "netns add " NETNS_PREFIX "%s\n",
			topo_host(i).name);
	if (feed(ip_batch, &b) == 0)
		return 0;
	fprintf(stderr, "lab: the namespaces could not be made\n");
	return -EIO;
}

/* all at once: each is mostly the start of a process */
static int
make_hosts(const struct lab_options *o)
{
	pid_t pids[TOPO_FIRST_NODE + LAB_NODES_MAX];
	unsigned n = TOPO_FIRST_NODE + o->nodes;
	int r = 0;

	for (unsigned i = 0; i < n; i++) {
		struct job j = {.o = o, .host = topo_host(i)};
		bool machine = j.host.kind == TOPO_MACHINE;

		pids[i] = netns_start(
			machine ? NULL : j.host.name, make_host, &j);
	}
	for (unsigned i = 0; i < n; i++) {
		if (netns_wait(pids[i]) == 0)
			continue;
		fprintf(stderr, "lab: %s could not be set up\n",
			topo_host(i).name);
		r = -EIO;
	}
	return r;
}

/* Loaded by `ip link add` instead, the module would leave an ifb0 and an ifb1
 * in the machine's own namespace. Where it can't be loaded it is built in, or
 * `ip` will say what is wrong. */
static int
load_ifb(const void *arg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("modprobe", "modprobe", "ifb", "numifbs=0", (char *)NULL);
	return -errno;
}

int
topo_up(const struct lab_options *o)
{
	struct job j = {.o = o, .machine = getpid()};

	(void)netns_wait(netns_start(NULL, load_ifb, NULL));
	if (make_namespaces(o) < 0)
		return -EIO;
	if (netns_wait(netns_start("switch", make_switch, &j)) < 0) {
		fprintf(stderr, "lab: the switch could not be set up\n");
		return -EIO;
	}
	return make_hosts(o);
}

bool
topo_remains(void)
{
	struct netns_hosts hosts;
	size_t n;

	netns_hosts(&hosts);
	n = hosts.n;
	netns_hosts_fini(&hosts);
	return n > 0 || machine_has_dev();
}

int
topo_down(void)
{
	struct netns_hosts hosts;
	int r = 0;

	/* It would go with the switch, but some time later. */
	if (machine_has_dev())
		r = netns_feed(ip_batch, STR("link del " MACHINE_DEV "\n"));
	netns_hosts(&hosts);
	for (size_t i = 0; i < hosts.n; i++)
		if (netns_delete(hosts.names[i]) < 0) {
			fprintf(stderr, "lab: can't remove namespace %s: %m\n",
				hosts.names[i]);
			r = -EIO;
		}
	netns_hosts_fini(&hosts);
	return r;
}
