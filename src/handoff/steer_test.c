/* The programs that steer: a packet of a client is ours, kept, or passed on, as
 * its flow says; at tc, and once more at XDP. */
#include "handoff/test_net.h"

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

static void
says(uint32_t stamp, uint32_t seq, uint8_t data)
{
	struct segment s = segment_of(seq);

	s.timestamps = true;
	s.stamp = stamp;
	arrives_as(&s, 64, TH_ACK, data);
	usleep(20000);
}

/* The client's clock is what it said with the last data that we have; and not
 * what somebody says in its name, who would not know where that ends. */
static void
test_stamp(void **state)
{
	uint32_t stamp = 0;

	(void)state;
	need_steer();
	says(77, 1000, 100);
	says(78, 1100, 0);
	assert_true(steer_stamp(steer, &key, 1100, &stamp));
	assert_int_equal(stamp, 77);
	says(79, 1100, 50);
	assert_true(steer_stamp(steer, &key, 1150, &stamp));
	assert_int_equal(stamp, 79);
	says(UINT32_C(1) << 31, 500, 50);
	assert_false(steer_stamp(steer, &key, 1150, &stamp));
	assert_int_equal(stamp, 79);
}

/* One that was parked and went back ends like any. */
static void
test_sweep_back(void **state)
{
	uint64_t now_ns = clock_mono_ns();
	struct handoff_flow before;
	struct steer_counts c;

	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	assert_int_equal(steer_park(steer, &key, &before), 1);
	/* Its turn comes meanwhile. */
	steer_sweep(steer, now_ns + 16 * NS_PER_S);
	steer_back(steer, &key, &before);
	arrives(64);
	assert_true(is_passed_on());
	steer_sweep(steer, now_ns + 40 * NS_PER_S);
	arrives(64);
	assert_false(is_passed_on());
	steer_counts(steer, &c);
	assert_int_equal(c.flows, 0);
}

/* As if the flow's last packet had come by so long ago. */
static void
age(uint64_t ns)
{
	struct handoff_flow f;

	assert_int_equal(steer_park(steer, &key, &f), 1);
	f.used_ns -= ns;
	steer_back(steer, &key, &f);
}

/* A port that is used again; and nobody who says so takes a connection away
 * from its client. */
static void
test_anew(void **state)
{
	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	arrives_with(900, TH_RST);
	arrives_with(5000, TH_SYN);
	arrives(64);
	for (int i = 0; i < 3; i++)
		assert_true(is_passed_on());
	/* A SYN that was late, and a segment that is none. */
	age(2 * NS_PER_S);
	arrives_with(999, TH_SYN);
	assert_true(is_passed_on());
	age(2 * NS_PER_S);
	arrives_with(5000, TH_SYN | TH_ACK);
	assert_true(is_passed_on());
	age(2 * NS_PER_S);
	arrives_with(6000, TH_SYN);
	arrives(64);
	assert_false(is_passed_on());
}

/* Whoever comes next goes on with what there is. */
static void
test_inherit(void **state)
{
	struct handoff_flow before;

	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	steer_close(steer);
	arrives(64);
	assert_true(is_passed_on());
	assert_int_equal(try_open(), 0);
	arrives(64);
	assert_true(is_passed_on());
	assert_int_equal(steer_park(steer, &key, &before), 1);
	steer_ours(steer, &key, NULL);
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
	assert_int_equal(try_open(), 0);
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

/* One client is asked. */
static void
test_ask(void **state)
{
	(void)state;
	need_steer();
	assert_false(is_tickled());
	steer_ask(steer, &given);
	assert_true(is_tickled());
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
	struct steer_config c = config();
	struct steer *other_steer;
	const char *why;

	(void)state;
	need_steer();
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
	test_stamp(state);
	test_anew(state);
	test_inherit(state);
	test_orphans(state);
	test_ask(state);
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
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_sweep_back),
		cmocka_unit_test(test_anew),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_filter),
	};
	int at_tc = cmocka_run_group_tests_name("tc", tests, begin, end);
	int at_xdp = cmocka_run_group_tests_name("xdp", tests, begin_xdp, end);

	return at_tc + at_xdp;
}
