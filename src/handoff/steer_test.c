/* The programs that steer, in a network of the test's own: a packet of a client
 * is ours, kept, or passed on, as its flow says. */
#include "handoff/steer.h"

#include <arpa/inet.h>
#include <errno.h>
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
static int wire; /* bound to vb */
/* Of 10.0.0.7, or of 2001:db8::7. */
static struct snapshot given = {.client_port = 0x9c40,
	.local_port = 80,
	.rcv_nxt = 1000,
	.snd_nxt = 2000};
static struct handoff_key key;
static bool v6;

static void
use_v4(void)
{
	v6 = false;
	inet_pton(AF_INET6, "::ffff:10.0.0.7", &given.client);
	inet_pton(AF_INET6, "::ffff:192.0.2.10", &given.local);
	key = steer_key(&given);
}

static void
use_v6(void)
{
	v6 = true;
	inet_pton(AF_INET6, "2001:db8::7", &given.client);
	inet_pton(AF_INET6, "2001:db8::10", &given.local);
	key = steer_key(&given);
}

static int
open_wire(void)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("vb")};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

static int
begin(void **state)
{
	struct steer_config c = {.vip_port = 80, .idle_ns = NS_PER_S};
	const char *why = "";

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		puts("SKIP: needs CAP_SYS_ADMIN for a network namespace");
		return 0;
	}
	inet_pton(AF_INET, "192.0.2.10", &c.vip);
	inet_pton(AF_INET6, "2001:db8::10", &c.vip6);
	inet_pton(AF_INET, "10.0.0.1", &c.self);
	if (system(set_up) != 0)
		return -1;
	use_v4();
	wire = open_wire();
	if (steer_open(&c, &steer, &why) < 0) {
		printf("steer_open: %s\n", why);
		return -1;
	}
	return 0;
}

static int
end(void **state)
{
	(void)state;
	steer_close(steer);
	return 0;
}

/* So that an IPv4 header's sum stays right. */
static void
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

/* A segment of the client's comes to the node. */
static void
arrives(uint8_t ttl)
{
	struct {
		struct ethhdr eth;
		uint8_t packet[SEGMENT_MAX];
	} __attribute__((packed))
	f = {.eth = {.h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP)}};
	struct segment s = {.kind = SEGMENT_ACK,
		.from = given.client,
		.to = given.local,
		.from_port = given.client_port,
		.to_port = given.local_port,
		.seq = 1000,
		.ack = 2000};
	size_t n = segment_put(&s, f.packet);

	memcpy(f.eth.h_dest, "\x02\0\0\0\0\x0a", 6);
	if (ttl != IPDEFTTL)
		set_ttl(f.packet, ttl);
	assert_int_equal(send(wire, &f, ETH_HLEN + n, 0), ETH_HLEN + n);
}

/* The client's segment came out again, to the node 10.0.0.2. */
static bool
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

static uint64_t
verdicts(enum handoff_verdict v)
{
	struct steer_counts c;

	steer_counts(steer, &c);
	return c.verdict[v];
}

static struct in_addr
other(void)
{
	struct in_addr a;

	inet_pton(AF_INET, "10.0.0.2", &a);
	return a;
}

static void
need_steer(void)
{
	if (!steer)
		skip();
}

static void
test_ours(void **state)
{
	uint64_t before;

	(void)state;
	need_steer();
	before = verdicts(HANDOFF_ours);
	arrives(64);
	assert_false(is_passed_on());
	assert_int_equal(verdicts(HANDOFF_ours), before + 1);
}

static void
test_forward(void **state)
{
	uint64_t circled;

	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	arrives(64);
	assert_true(is_passed_on());
	circled = verdicts(HANDOFF_circled);
	arrives(1);
	assert_false(is_passed_on());
	assert_int_equal(verdicts(HANDOFF_circled), circled + 1);
	steer_ours(steer, &key, NULL);
	arrives(64);
	assert_false(is_passed_on());
}

static void
settle(void)
{
	usleep(20000);
	steer_on_readable(steer);
}

static uint64_t
parked_now(void)
{
	struct steer_counts c;

	steer_counts(steer, &c);
	return c.parked;
}

/* Kept, however often one looks, and then where its flow goes. */
static void
test_park(void **state)
{
	struct handoff_flow before;

	(void)state;
	need_steer();
	assert_int_equal(steer_park(steer, &key, &before), 0);
	arrives(64);
	arrives(64);
	settle();
	settle();
	assert_int_equal(parked_now(), 2);
	assert_false(is_passed_on());
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	assert_int_equal(parked_now(), 0);
	assert_true(is_passed_on());
	assert_true(is_passed_on());
	/* It is what it was before. */
	assert_int_equal(steer_park(steer, &key, &before), 1);
	assert_int_equal(before.node, other().s_addr);
	arrives(64);
	settle();
	steer_back(steer, &key, &before);
	assert_true(is_passed_on());
	steer_ours(steer, &key, NULL);
}

/* What the process has not read yet by the time its flow is settled. */
static void
test_unread(void **state)
{
	uint64_t ours;

	(void)state;
	need_steer();
	assert_int_equal(steer_park(steer, &key, NULL), 0);
	arrives(64);
	usleep(20000);
	ours = verdicts(HANDOFF_ours);
	steer_ours(steer, &key, NULL);
	assert_int_equal(parked_now(), 0);
	assert_int_equal(verdicts(HANDOFF_ours), ours + 1);
}

static void
test_sweep(void **state)
{
	struct steer_counts c;
	uint64_t dropped;

	(void)state;
	need_steer();
	assert_int_equal(steer_park(steer, &key, NULL), 0);
	arrives(64);
	settle();
	steer_sweep(steer, clock_mono_ns());
	steer_counts(steer, &c);
	dropped = c.park_dropped;
	assert_int_equal(c.parked, 1);
	steer_sweep(steer, clock_mono_ns() + 2 * NS_PER_S);
	steer_counts(steer, &c);
	assert_int_equal(c.parked, 0);
	assert_int_equal(c.park_dropped, dropped + 1);
	/* Those of earlier tests are gone, or another's by now. */
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	steer_sweep(steer, clock_mono_ns());
	arrives(64);
	assert_true(is_passed_on());
	steer_sweep(steer, clock_mono_ns() + 20 * NS_PER_S);
	steer_counts(steer, &c);
	assert_int_equal(c.flows, 0);
	arrives(64);
	assert_false(is_passed_on());
}

/* Whoever comes next goes on with what there is. */
static void
test_inherit(void **state)
{
	struct steer_config c = {.vip_port = 80, .idle_ns = NS_PER_S};
	struct handoff_flow before;
	const char *why;

	(void)state;
	need_steer();
	inet_pton(AF_INET, "192.0.2.10", &c.vip);
	inet_pton(AF_INET6, "2001:db8::10", &c.vip6);
	inet_pton(AF_INET, "10.0.0.1", &c.self);
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	steer_close(steer);
	arrives(64);
	assert_true(is_passed_on());
	assert_int_equal(steer_open(&c, &steer, &why), 0);
	arrives(64);
	assert_true(is_passed_on());
	assert_int_equal(steer_park(steer, &key, &before), 1);
	steer_ours(steer, &key, NULL);
}

static void
reopen(void)
{
	struct steer_config c = {.vip_port = 80, .idle_ns = NS_PER_S};
	const char *why;

	inet_pton(AF_INET, "192.0.2.10", &c.vip);
	inet_pton(AF_INET6, "2001:db8::10", &c.vip6);
	inet_pton(AF_INET, "10.0.0.1", &c.self);
	steer_close(steer);
	assert_int_equal(steer_open(&c, &steer, &why), 0);
}

/* Whoever parked them died: they go where they went before that. */
static void
test_orphans(void **state)
{
	struct handoff_flow before;

	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	assert_int_equal(steer_park(steer, &key, &before), 1);
	steer_close(steer);
	arrives(64);
	assert_true(is_passed_on());
	steer = NULL;
	reopen();
	arrives(64);
	assert_true(is_passed_on());
	steer_ours(steer, &key, NULL);
	/* To our own TCP, also when there is a process again. */
	assert_int_equal(steer_park(steer, &key, NULL), 0);
	reopen();
	arrives(64);
	settle();
	assert_int_equal(parked_now(), 0);
	assert_false(is_passed_on());
}

/* The client gets what it had had. */
static bool
is_tickled(void)
{
	struct pollfd p = {.fd = wire, .events = POLLIN};
	struct tcphdr tcp;
	uint8_t f[256];

	while (poll(&p, 1, 200) > 0) {
		ssize_t n = recv(wire, f, sizeof(f), 0);

		if (n < ETH_HLEN + (v6 ? 60 : 40) ||
			memcmp(f, "\x02\0\0\0\0\x07", 6) != 0)
			continue;
		memcpy(&tcp, f + ETH_HLEN + (v6 ? 40 : 20), sizeof(tcp));
		/* And not the reset that our own TCP may have sent. */
		if (tcp.rst)
			continue;
		assert_int_equal(ntohl(tcp.seq), given.snd_nxt - 1);
		assert_int_equal(ntohl(tcp.ack_seq), given.rcv_nxt);
		return true;
	}
	return false;
}

/* Clients of a node that is lost are asked; twice. */
static void
test_lost(void **state)
{
	uint64_t now_ns = clock_mono_ns();

	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	steer_lost(steer, other(), false, now_ns);
	assert_false(is_tickled());
	steer_sweep(steer, now_ns + NS_PER_S);
	assert_true(is_tickled());
	steer_sweep(steer, now_ns + 3 * NS_PER_S);
	assert_true(is_tickled());
	steer_sweep(steer, now_ns + 5 * NS_PER_S);
	assert_false(is_tickled());
	/* They are still that node's. */
	arrives(64);
	assert_true(is_passed_on());
	/* Until its machine is dead. */
	steer_lost(steer, other(), true, now_ns);
	assert_true(is_tickled());
	arrives(64);
	assert_false(is_passed_on());
}

/* It says what is in its way. */
static void
test_filter(void **state)
{
	struct steer_config c = {.vip_port = 80};
	struct steer *other_steer;
	const char *why;

	(void)state;
	need_steer();
	inet_pton(AF_INET, "10.0.0.1", &c.self);
	assert_int_equal(system("sysctl -qw net.ipv4.conf.all.rp_filter=1"), 0);
	assert_int_equal(steer_open(&c, &other_steer, &why), -EINVAL);
	assert_string_equal(why, "net.ipv4.conf.all.rp_filter is 1");
	assert_int_equal(system("sysctl -qw net.ipv4.conf.all.rp_filter=0"), 0);
	inet_pton(AF_INET, "10.0.0.9", &c.self);
	assert_int_equal(steer_open(&c, &other_steer, &why), -ENODEV);
}

/* The same with a client of IPv6, and once more with one of IPv4. */
static void
test_v6(void **state)
{
	use_v6();
	test_ours(state);
	test_forward(state);
	test_park(state);
	test_unread(state);
	test_inherit(state);
	test_orphans(state);
	test_lost(state);
	use_v4();
	test_park(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_park),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
