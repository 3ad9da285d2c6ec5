/*
 * The model against the XDP program: random rules, random changes of them, and
 * random packets, many of them damaged. Both must decide alike, byte for byte,
 * and have the same counts and flows in the end. Every packet that is sent on
 * has right checksums if it had when it came.
 *
 * SEVENFOLD_RANDOM=PACKETS,SEED runs longer, or again: `make random`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/test_rig.h"

static struct rig rig;
static uint64_t seed = 1;
static unsigned long changes;

#define SERVICES 40 /* or a long run would do little but compile */

static uint32_t
below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 33) % n);
}

static bool
one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- rules
 * -------------------------------------------------------------------- */

static struct rules_server
random_server(const struct rules_service *s)
{
	bool v6 = s->id.v6;
	struct rules_server out =
		test_server((uint8_t)(1 + below(40)), s->id.port, v6);

	out.weight = one_in(6) ? 0 : (uint16_t)below(9);
	if (one_in(4)) {
		out.upper = 1 + below(40);
		out.lower = below(out.upper + 1);
	}
	out.mtu = one_in(3) ? 1500 : 576;
	out.down = one_in(12);
	out.lost = out.down && one_in(2);
	out.resolved = !one_in(12);
	out.method = (enum l4_method)below(3);
	if (one_in(20))
		out.method = L4_LOCAL;
	if (out.method == L4_MASQ && !one_in(3))
		out.port = 8080;
	if (out.method == L4_TUNNEL) {
		out.tun = (enum l4_tun)below(3);
		out.tun_port = 6080;
		if (one_in(2))
			out.addr = test_addr(0x0a000100u + below(40), !v6);
	}
	return out;
}

static void
add_service(void)
{
	static const uint16_t ports[] = {80, 443, 0};
	struct rules_service s = {
		.id = test_id(FRAME_VIP + below(2), ports[below(3)],
			one_in(2) ? IPPROTO_TCP : IPPROTO_UDP, one_in(2)),
		.scheduler = (enum l4_scheduler)below(L4_SCHEDULERS),
		.persist_s = 30 + below(300)};

	s.flags = (uint16_t)(below(2) * L4_HASH_PORT +
		below(2) * L4_HASH_FALLBACK);
	if (!s.id.port || one_in(3))
		s.flags |= L4_PERSISTENT;
	if (s.id.proto == IPPROTO_UDP && one_in(3))
		s.flags |= L4_ONE_PACKET;
	s.mask = test_mask(s.id.v6 ? 48 + below(81) : 8 + below(25), s.id.v6);
	(void)rules_add(rig.rules, &s);
}

static void
change_server(struct rules_service *s)
{
	struct rules_server server = random_server(s);

	if (s->nservers && one_in(3))
		server.addr = s->servers[below((uint32_t)s->nservers)].addr;
	switch (below(4)) {
	case 0:
		(void)rules_server_delete(
			rig.rules, &s->id, &server.addr, server.port, 0);
		break;
	case 1: (void)rules_server_edit(rig.rules, &s->id, &server); break;
	default: (void)rules_server_add(rig.rules, &s->id, &server); break;
	}
}

static void
change(void)
{
	struct rules_service *s;
	struct rules_service as;

	if (rig.rules->n < 2 || (rig.rules->n < SERVICES && one_in(20)))
		add_service();
	s = &rig.rules->services[below((uint32_t)rig.rules->n)];
	if (one_in(60)) {
		(void)rules_delete(rig.rules, &s->id, 0);
	} else if (one_in(20)) {
		as = *s;
		as.scheduler = (enum l4_scheduler)below(L4_SCHEDULERS);
		(void)rules_edit(rig.rules, &as);
	} else {
		change_server(s);
	}
	assert_int_equal(rig_compile(&rig), 0);
	changes++;
}

/* --- packets
 * -------------------------------------------------------------------- */

static struct frame_spec
random_spec(void)
{
	static const uint8_t flags[] = {
		SYN, SYN, ACK, ACK, ACK, FIN | ACK, RST, SYN | ACK, 0};
	static const uint16_t ports[] = {80, 80, 443, 22, 8080};
	struct frame_spec s = {
		.flags = flags[below(sizeof(flags))],
		.client = 0x0a000001 + below(4) * 0x101,
		.client_port = (uint16_t)(1 + below(20)),
		.vip = FRAME_VIP + below(2),
		.port = ports[below(5)],
		.v6 = one_in(2),
		.protocol = one_in(3) ? IPPROTO_UDP : IPPROTO_TCP,
	};

	if (one_in(8)) { /* as a server answers */
		s.back = true;
		s.vip = 0x0a000101 + below(40);
		s.port = one_in(2) ? 8080 : 80;
	}
	if (one_in(10))
		s.options = (uint8_t)below(5);
	if (one_in(12)) {
		s.id = 1 + below(5);
		s.frag = s.v6 ? (uint16_t)(below(2) + 8 * below(2))
			      : (uint16_t)(0x2000 * below(2) + below(2) * 100);
	}
	if (one_in(10))
		s.payload = (uint16_t)(1 + below(1500));
	if (one_in(4) && !s.v6)
		s.frag |= 0x4000;
	if (one_in(30))
		s.ttl = (uint8_t)(1 + below(2));
	s.no_sum = s.protocol == IPPROTO_UDP && !s.v6 && one_in(5);
	if (one_in(20))
		s.padding = (uint16_t)below(20);
	return s;
}

static struct frame
random_frame(void)
{
	struct frame_spec s = random_spec();

	if (!one_in(10))
		return frame_make(&s);
	s.frag = 0;
	s.id = 0;
	if (!s.back || one_in(2))
		s.back = !s.back;
	return frame_icmp(&s, one_in(2) ? 0x0a00fffe : s.vip,
		(uint8_t)below(s.v6 ? 6 : 13), (uint8_t)below(5), 0);
}

/* A few bytes are others, or missing. */
static void
damage(struct frame *f)
{
	for (uint32_t k = below(3); k > 0; k--)
		f->b[12 + below((uint32_t)f->n - 12)] = (uint8_t)below(256);
	if (one_in(2))
		f->n = 14 + below((uint32_t)f->n - 13);
}

static void
packet(void)
{
	struct frame in = random_frame(), out;
	bool whole = true;
	enum l4_verdict v;

	if (one_in(15)) {
		damage(&in);
		whole = false;
	}
	v = rig_run(&rig, &in, &out);
	if (rig_action(v) == XDP_PASS)
		assert_memory_equal(out.b, in.b, in.n);
	if (whole && rig_action(v) == XDP_TX &&
		!frame_true(out.b + 14, out.n - 14))
		fail_msg("%s: a checksum is wrong", balancer_verdict_name(v));
}

static void
test_random(void **state)
{
	const char *how = getenv("SEVENFOLD_RANDOM");
	unsigned long packets = 200000, begin = 1;

	if (how)
		(void)sscanf(how, "%lu,%lu", &packets, &begin);
	seed = begin * 0x9e3779b97f4a7c15ull;
	for (int i = 0; i < 12; i++)
		change();
	for (unsigned long i = 0; i < packets; i++) {
		if (one_in(400))
			change();
		if (one_in(200))
			rig_pass_time(&rig, below(one_in(10) ? 400 : 3));
		if (one_in(2000))
			rig_sweep(&rig);
		packet();
		if (i % 20000 == 0)
			rig_check(&rig);
	}
	rig_check(&rig);
	print_message("%8lu packets, %lu changes of the rules, seed %lu\n",
		packets, changes, begin);
	for (enum l4_verdict v = 0; v < L4_VERDICTS; v++)
		print_message("%8lu %s\n",
			(unsigned long)rig.model.tallies[0].verdict[v],
			balancer_verdict_name(v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
	int failed;

	rig_open(&rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&rig);
	return failed;
}
