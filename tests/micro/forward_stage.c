#include "forward_stage.h"

#include "base/check.h"
#include "base/own.h"
#include "l4/balancer.h"
#include "l4/compile.h"
#include "l4/pass.h"
#include "l4/test_frame.h"
#include "l4/test_rules.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <traffic.skel.h>

#define FLOWS 10000
#define NODES 16
#define CLIENTS 0x0a020001 /* 10.2.0.1 and after it */

const struct forwarder forwarders[FORWARDERS] = {
	[WIRE] = {"no forwarder", "g0", "a0", "a0"},
	[BRIDGE] = {"Linux's bridge", "g1", "a1", "s1"},
	[BALANCER] = {"the balancer", "g2", "a2", "g2"},
	[IPVS] = {"IPVS", "g3", "a3", "s3"},
};

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench_forward: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* A command of the shell. */
static void
sh(const char *command)
{
	if (system(command))
		die("failed: %s", command);
}

static int
index_of(const char *name)
{
	int i = (int)if_nametoindex(name);

	if (!i)
		die("no interface %s", name);
	return i;
}

/* Packets are of different flows: to try and join them only costs. */
static void
no_gro(const char *name)
{
	struct ethtool_value v = {.cmd = ETHTOOL_SGRO, .data = 0};
	struct ifreq req = {.ifr_data = (char *)&v};
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &req) < 0)
		die("%s: GRO off: %s", name, strerror(errno));
}

static void
swallow(struct stage *s, const char *name)
{
	int err = bpf_xdp_attach(index_of(name),
		bpf_program__fd(s->ends->progs.swallow), XDP_FLAGS_DRV_MODE,
		NULL);

	if (err)
		die("attach to %s: %s", name, strerror(-err));
}

/* A veth takes frames when it has a program. */
static void
take_frames(const char *name)
{
	if (l4_pass_attach(index_of(name)))
		die("attach to %s", name);
	no_gro(name);
}

/* --- the forwarders ------------------------------------------------------- */

static void
open_wire(struct stage *s)
{
	sh("ip link add g0 type veth peer name a0 && ip link set g0 up && "
	   "ip link set a0 up");
	swallow(s, "a0");
}

static void
open_bridge(void)
{
	sh("ip link add g1 type veth peer name a1 && ip link set g1 up && "
	   "ip link add b1 type veth peer name s1 && ip link set s1 up && "
	   "ip link add br1 type bridge mcast_snooping 0 && "
	   "for i in a1 b1; do ip link set $i master br1 up; done && "
	   "ip link set br1 up && "
	   "bridge fdb replace 02:00:00:00:00:aa dev b1 master static");
	/* or bridged packets take a walk through netfilter */
	sh("for f in /proc/sys/net/bridge/bridge-nf-call-*; do "
	   "[ ! -e $f ] || echo 0 >$f; done");
	take_frames("a1");
}

static void
put_rules(struct l4_image *image, int ifindex)
{
	struct rules *rules = rules_new();
	struct rules_service s = {
		.id = test_id(FRAME_VIP, FRAME_PORT, IPPROTO_TCP, false),
		.scheduler = L4_wlc,
		.mask = test_mask(32, false)};

	CHECK(!rules_add(rules, &s));
	for (uint8_t n = 1; n <= NODES; n++) {
		struct rules_server server = test_server(n, FRAME_PORT, false);

		server.ifindex = (uint32_t)ifindex;
		CHECK(!rules_server_add(rules, &s.id, &server));
	}
	CHECK(!compile(rules, image));
	rules_free(rules);
}

static void
open_balancer(struct stage *s)
{
	struct balancer_config config = {.flows = 1000000};
	int err;

	sh("ip link add g2 type veth peer name a2 && "
	   "ip link set a2 address 02:00:00:00:00:aa && "
	   "ip link set g2 up && ip link set a2 up");
	config.ifindex = (uint32_t)index_of("a2");
	memcpy(config.mac, frame_own, ETH_ALEN);
	err = balancer_open(&config, &s->balancer);
	if (err)
		die("the balancer: %s", strerror(-err));
	balancer_image(s->balancer)->ctl->new_max = UINT32_MAX;
	put_rules(balancer_image(s->balancer), (int)config.ifindex);
	err = balancer_attach(s->balancer, BALANCER_NATIVE);
	if (err)
		die("attach the balancer: %s", strerror(-err));
	swallow(s, "g2");
}

/* The same service and servers as the balancer's. */
static void
open_ipvs(void)
{
	char command[200];

	sh("ip link add g3 type veth peer name a3 && "
	   "ip link set a3 address 02:00:00:00:00:aa && "
	   "ip link set g3 up && ip link set a3 up && "
	   "ip link add b3 type veth peer name s3 && "
	   "ip link set b3 up && ip link set s3 up && "
	   "ip addr add 192.0.2.10/32 dev a3 && "
	   "ip addr add 10.0.1.254/24 dev b3 && "
	   "for i in all a3 b3; do "
	   "echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done && "
	   "ip route add 10.2.0.0/16 dev a3 && "
	   "ipvsadm -A -t 192.0.2.10:80 -s wlc");
	for (int n = 1; n <= NODES; n++) {
		snprintf(command, sizeof(command),
			"ip neigh add 10.0.1.%d lladdr 02:00:00:00:01:%02x "
			"dev b3 nud permanent && "
			"ipvsadm -a -t 192.0.2.10:80 -r 10.0.1.%d -g",
			n, (unsigned)n, n);
		sh(command);
	}
	take_frames("a3");
}

/* --- the stage ------------------------------------------------------------ */

void
stage_open(struct stage *s)
{
	struct traffic *t;

	*s = (struct stage){.ipvs = access("/proc/net/ip_vs", F_OK) == 0};
	sh("for i in all default; do "
	   "echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done; "
	   "ip link set lo up");
	s->ends = traffic_bpf__open_and_load();
	if (!s->ends)
		die("the sender: %s", strerror(errno));
	t = stage_traffic(s);
	*t = (struct traffic){.flows = FLOWS, .base = CLIENTS};
	memcpy(t->dst, frame_own, ETH_ALEN);
	memcpy(t->src, frame_client, ETH_ALEN);
	open_wire(s);
	open_bridge();
	open_balancer(s);
	if (s->ipvs)
		open_ipvs();
}

void
stage_for_sockets(struct stage *s)
{
	for (int i = 0; i < FORWARDERS; i++)
		if (i != BALANCER && stage_has(s, i))
			(void)l4_pass_detach(index_of(forwarders[i].entry));
}

void
stage_close(struct stage *s)
{
	balancer_close(s->balancer);
	traffic_bpf__destroy(s->ends);
}

bool
stage_has(const struct stage *s, int forwarder)
{
	return forwarder != IPVS || s->ipvs;
}

struct traffic *
stage_traffic(const struct stage *s)
{
	return &s->ends->bss->traffic;
}

int
stage_sender_fd(const struct stage *s)
{
	return bpf_program__fd(s->ends->progs.send);
}

void
stage_aim(struct stage *s, int forwarder)
{
	stage_traffic(s)->ifindex =
		(uint32_t)index_of(forwarders[forwarder].source);
}
