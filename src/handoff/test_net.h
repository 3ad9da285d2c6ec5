#pragma once
/* For tests of the programs that steer: a network of the test's own, in which a
 * client's packets come to the node over a veth. To be included once. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/own.h"
#include "handoff/steer.h"

/* va is the node's, vb the network's end. */
static const char set_up[] =
	"ip link add va type veth peer name vb && "
	"ip link set va address 02:00:00:00:00:0a && "
	"ip link set vb address 02:00:00:00:00:0b && "
	"ip addr add 10.0.0.1/24 dev va && "
	"ip addr add 192.0.2.10/32 dev lo && ip link set lo up && "
	"ip addr add 2001:db8::1/64 dev va nodad && "
	"ip addr add 2001:db8::10/128 dev lo && "
	"ip link set va up && ip link set vb up && "
	"ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev va && "
	"ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev va && "
	"ip neigh add 2001:db8::7 lladdr 02:00:00:00:00:07 dev va";

static struct steer *steer;
static bool xdp; /* is what is asked for */
static int wire; /* bound to vb */
/* Of 10.0.0.7, or of 2001:db8::7. */
static struct snapshot given = {.client_port = 0x9c40,
	.local_port = 80,
	.rcv_nxt = 1000,
	.snd_nxt = 2000};
static struct handoff_key key;
static bool v6;

static inline void
use_v4(void)
{
	v6 = false;
	inet_pton(AF_INET6, "::ffff:10.0.0.7", &given.client);
	inet_pton(AF_INET6, "::ffff:192.0.2.10", &given.local);
	key = steer_key(&given);
}

static inline void
use_v6(void)
{
	v6 = true;
	inet_pton(AF_INET6, "2001:db8::7", &given.client);
	inet_pton(AF_INET6, "2001:db8::10", &given.local);
	key = steer_key(&given);
}

static inline int
open_wire(void)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("vb")};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

static inline struct steer_config
config(void)
{
	struct steer_config c = {
		.vip_port = 80, .idle_ns = NS_PER_S, .xdp = xdp};

	inet_pton(AF_INET, "192.0.2.10", &c.vip);
	inet_pton(AF_INET6, "2001:db8::10", &c.vip6);
	inet_pton(AF_INET, "10.0.0.1", &c.self);
	return c;
}

static inline int
try_open(void)
{
	struct steer_config c = config();
	const char *why = "";
	int err = steer_open(&c, &steer, &why);

	if (err)
		printf("steer_open: %s: %s\n", why, strerror(-err));
	return err;
}

/* A veth gives on what comes of XDP at the other one only if it has a program
 * itself. */
static inline int
put_pass(const char *interface)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	own_fd int fd =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);

	return fd < 0 ? fd
		      : bpf_xdp_attach((int)if_nametoindex(interface), fd,
				XDP_FLAGS_DRV_MODE, NULL);
}

static inline int
begin(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		puts("SKIP: needs CAP_SYS_ADMIN for a network namespace");
		return 0;
	}
	if (system(set_up) != 0)
		return -1;
	use_v4();
	wire = open_wire();
	return xdp && put_pass("vb") ? -1 : try_open();
}

static inline int
begin_xdp(void **state)
{
	xdp = true;
	return begin(state);
}

static inline int
end(void **state)
{
	(void)state;
	steer_close(steer);
	return 0;
}

/* So that an IPv4 header's sum stays right. */
static inline void
set_ttl(uint8_t *packet, uint8_t ttl)
{
	uint32_t sum = (uint32_t)(packet[10] << 8 | packet[11]) +
		(uint32_t)(packet[8] - ttl) * 256;

	if (v6) {
		packet[7] = ttl;
		return;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	packet[8] = ttl;
	packet[10] = (uint8_t)(sum >> 8);
	packet[11] = (uint8_t)sum;
}

/* A segment of the client's comes to the node, or one in its name; with so many
 * bytes of data. */
static inline void
arrives_as(const struct segment *s, uint8_t ttl, uint8_t flags, uint8_t data)
{
	struct {
		struct ethhdr eth;
		uint8_t packet[SEGMENT_MAX + UINT8_MAX];
	} __attribute__((packed))
	f = {.eth = {.h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP)}};
	size_t n = segment_put(s, f.packet) + data;

	f.packet[(v6 ? 40 : 20) + 13] = flags;
	f.packet[v6 ? 5 : 3] = (uint8_t)(f.packet[v6 ? 5 : 3] + data);
	memcpy(f.eth.h_dest, "\x02\0\0\0\0\x0a", 6);
	if (ttl != IPDEFTTL)
		set_ttl(f.packet, ttl);
	assert_int_equal(send(wire, &f, ETH_HLEN + n, 0), ETH_HLEN + n);
}

static inline struct segment
segment_of(uint32_t seq)
{
	return (struct segment){.kind = SEGMENT_ACK,
		.from = given.client,
		.to = given.local,
		.from_port = given.client_port,
		.to_port = given.local_port,
		.seq = seq,
		.ack = 2000};
}

static inline void
arrives_with(uint32_t seq, uint8_t flags)
{
	struct segment s = segment_of(seq);

	arrives_as(&s, 64, flags, 0);
}

static inline void
arrives(uint8_t ttl)
{
	struct segment s = segment_of(1000);

	arrives_as(&s, ttl, TH_ACK, 0);
}

/* The client's segment came out again, to the node 10.0.0.2. */
static inline bool
is_passed_on(void)
{
	struct pollfd p = {.fd = wire, .events = POLLIN};
	uint8_t f[256];
	ssize_t n;

	while (poll(&p, 1, 200) > 0) {
		n = recv(wire, f, sizeof(f), 0);
		if (n < ETH_HLEN + 40 || memcmp(f, "\x02\0\0\0\0\x02", 6) != 0)
			continue;
		if (v6)
			assert_memory_equal(f + 22, &given.client, 16);
		else
			assert_memory_equal(
				f + 26, &given.client.s6_addr[12], 4);
		assert_int_equal(f[14 + (v6 ? 7 : 8)], IPDEFTTL - 1);
		return true;
	}
	return false;
}

static inline uint64_t
verdicts(enum handoff_verdict v)
{
	struct steer_counts c;

	steer_counts(steer, &c);
	return c.verdict[v];
}

static inline struct in_addr
other(void)
{
	struct in_addr a;

	inet_pton(AF_INET, "10.0.0.2", &a);
	return a;
}

static inline void
need_steer(void)
{
	if (!steer)
		skip();
}

static inline void
settle(void)
{
	usleep(20000);
	steer_on_readable(steer);
}

static inline void
reopen(void)
{
	steer_close(steer);
	steer = NULL;
	assert_int_equal(try_open(), 0);
}
