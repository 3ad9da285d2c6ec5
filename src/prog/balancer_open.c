/* The balancer's interface, and its XDP program there: see balancer.h. */
#include "prog/balancer.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/balancer.h"
#include "l4/route.h"

#include <errno.h>
#include <linux/magic.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define PIN_ROOT "/sys/fs/bpf"
#define PIN_DIR PIN_ROOT "/sevenfold"

static struct addr_text
in_text(struct in_addr a)
{
	union l4_addr m = member_addr(a);

	return addr_text(&m);
}

static int
find_interface(struct program *p, const char *wanted)
{
	struct in_addr first = p->conf->nodes[0].addr;
	struct route r = {0};
	union l4_addr to;
	int err;

	if (!wanted)
		wanted = p->conf->interface;
	if (wanted) {
		p->ifindex = (int)if_nametoindex(wanted);
		if (!p->ifindex)
			return complain("there is no interface '%s'", wanted);
		snprintf(p->interface, sizeof(p->interface), "%s", wanted);
		return 0;
	}
	to = member_addr(first);
	err = route_get(&to, &r);
	if (err || !if_indextoname((unsigned)r.ifindex, p->interface))
		return complain("no route to node %s (%s): %s; give the "
				"interface with --interface",
			p->conf->nodes[0].name, in_text(first).z,
			strerror(err ? -err : ENODEV));
	p->ifindex = r.ifindex;
	return 0;
}

static int
read_mac(struct program *p)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {0};

	memcpy(req.ifr_name, p->interface, sizeof(req.ifr_name));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		return complain(
			"interface %s: %s", p->interface, strerror(errno));
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return complain("interface %s is not Ethernet; direct routing "
				"needs one that is",
			p->interface);
	memcpy(p->mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* Direct routing reaches only what is on the interface's own segment. */
static int
check_node(const struct program *p, const struct conf_node *n)
{
	struct route r = {0};
	union l4_addr to = member_addr(n->addr);
	int err = route_get(&to, &r);
	struct addr_text addr = in_text(n->addr);

	if (err)
		return complain("no route to node %s (%s): %s", n->name, addr.z,
			strerror(-err));
	if (r.local)
		return complain("node %s (%s) is this machine itself; the "
				"balancer needs one of its own",
			n->name, addr.z);
	if (!r.on_link || r.ifindex != p->ifindex)
		return complain("node %s (%s) is not on the network of "
				"interface %s; direct routing can reach it "
				"only there",
			n->name, addr.z, p->interface);
	return 0;
}

/* Somebody has to answer ARP, or its like, for it. */
static void
check_vip(const struct program *p, const struct rules_id *id)
{
	struct route r = {0};

	if (route_get(&id->addr, &r) || !r.local)
		log_warn("vip_not_here hint=\"unless a router sends it here, "
			 "nobody answers for it: ip addr add %s/%d dev %s\"",
			addr_text(&id->addr).z, id->v6 ? 128 : 32,
			p->interface);
}

static int
check_network(const struct program *p)
{
	struct rules_id ids[2];
	size_t n = service_ids(p->conf, ids);

	for (size_t i = 0; i < p->conf->nnodes; i++)
		if (check_node(p, &p->conf->nodes[i]))
			return -1;
	for (size_t i = 0; i < n; i++)
		check_vip(p, &ids[i]);
	return 0;
}

int
open_network(struct program *p, const char *wanted)
{
	if (find_interface(p, wanted) || check_network(p) || read_mac(p))
		return -1;
	return 0;
}

/* Where to pin: what was asked for, or, where there is a BPF file system, a
 * folder for this interface of this network namespace. */
static void
choose_pin(struct program *p, const char *wanted)
{
	struct statfs fs;
	struct stat ns;

	if (wanted) {
		p->pin = strcmp(wanted, "none") ? xstrdup(wanted) : NULL;
		return;
	}
	if (statfs(PIN_ROOT, &fs) < 0 || fs.f_type != BPF_FS_MAGIC ||
		stat("/proc/self/ns/net", &ns) < 0) {
		log_warn("not_pinned hint=\"there is no BPF file system "
			 "at " PIN_ROOT
			 "; packets stop when this process does\"");
		return;
	}
	p->pin = xasprintf(PIN_DIR "/%s-%llu", p->interface,
		(unsigned long long)ns.st_ino);
}

static int
open_balancer(struct program *p, const char *pin)
{
	struct balancer_config config = {
		.ifindex = (uint32_t)p->ifindex, .flows = p->conf->flows};
	int err;

	memcpy(config.mac, p->mac, ETH_ALEN);
	if (balancer_permitted())
		choose_pin(p, pin);
	config.pin = p->pin;
	err = balancer_permitted() ? balancer_open(&config, &p->balancer)
				   : -EPERM;
	switch (err) {
	case 0: return 0;
	case -EPERM:
		return complain("needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; "
				"run it as root");
	case -ENOMEM:
		return complain("no memory for a table of %u flows; see "
				"'flows' in sevenfold.conf(5)",
			p->conf->flows);
	case -EINVAL:
		if (p->pin)
			return complain("what is pinned in %s is of another "
					"version, or another program's; remove "
					"it to begin anew",
				p->pin);
		/* fall through */
	default:
		return complain("this kernel did not take the XDP program "
				"(needs Linux 6.1 or later): %s",
			strerror(-err));
	}
}

/* With generic XDP they may be longer than on the wire. */
uint16_t
read_mtu(const struct program *p)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {0};

	memcpy(req.ifr_name, p->interface, sizeof(req.ifr_name));
	if (fd < 0 || !strcmp(balancer_mode(p->balancer), "generic") ||
		ioctl(fd, SIOCGIFMTU, &req) < 0 || req.ifr_mtu > 65535)
		return 65535;
	return (uint16_t)req.ifr_mtu;
}

static int
attach(struct program *p)
{
	static const enum balancer_xdp modes[] = {
		[CONF_XDP_AUTO] = BALANCER_AUTO,
		[CONF_XDP_NATIVE] = BALANCER_NATIVE,
		[CONF_XDP_GENERIC] = BALANCER_GENERIC,
	};
	int err = balancer_attach(p->balancer, modes[p->conf->xdp]);

	switch (err) {
	case 0: return 0;
	case -EBUSY:
	case -EEXIST:
		return complain("interface %s has an XDP program already; see "
				"'ip link show %s'",
			p->interface, p->interface);
	case -EPERM: return complain("attaching needs CAP_NET_ADMIN");
	case -EOPNOTSUPP:
		return complain("the driver of interface %s has no native XDP; "
				"write 'xdp generic' or 'xdp auto'",
			p->interface);
	default:
		return complain("can't attach the XDP program to interface "
				"%s: %s",
			p->interface, strerror(-err));
	}
}

int
open_xdp(struct program *p, const char *pin)
{
	if (p->conf->driver == CONF_DRIVER_IPVS)
		return 0;
	return open_balancer(p, pin) || attach(p) ? -1 : 0;
}
