#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "lab/arch.h"
#include "lab/daemon.h"
#include "lab/lab.h"
#include "lab/machine.h"
#include "lab/sevenfold.h"
#include "lab/shape.h"
#include "lab/topo.h"

static void
test_rates(void **state)
{
	uint64_t bits = 7;

	assert_int_equal(shape_parse_rate(STR("20mbit"), &bits), 0);
	assert_int_equal(bits, 20000000);
	assert_int_equal(shape_parse_rate(STR("1Gbit"), &bits), 0);
	assert_int_equal(bits, 1000000000);
	assert_int_equal(shape_parse_rate(STR("8000bit"), &bits), 0);
	assert_int_equal(bits, 8000);
	assert_int_equal(shape_parse_rate(STR("20"), &bits), -EINVAL);
	assert_int_equal(shape_parse_rate(STR("mbit"), &bits), -EINVAL);
	assert_int_equal(shape_parse_rate(STR("-1mbit"), &bits), -EINVAL);
	assert_int_equal(shape_parse_rate(STR("0mbit"), &bits), -EINVAL);
	assert_int_equal(shape_parse_rate(STR("1mbyte"), &bits), -EINVAL);
	assert_int_equal(bits, 8000);
}

static void
test_shares(void **state)
{
	char over[32];
	unsigned millicores = 7;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	assert_int_equal(shape_parse_cpu(STR("10%"), &millicores), 0);
	assert_int_equal(millicores, 100);
	assert_int_equal(shape_parse_cpu(STR("0.5%"), &millicores), 0);
	assert_int_equal(millicores, 5);
	assert_int_equal(shape_parse_cpu(STR("0%"), &millicores), -ERANGE);
	assert_int_equal(shape_parse_cpu(STR("0.0%"), &millicores), -ERANGE);
	assert_int_equal(shape_parse_cpu(STR("%"), &millicores), -EINVAL);
	assert_int_equal(shape_parse_cpu(STR("10"), &millicores), -EINVAL);
	assert_int_equal(shape_parse_cpu(STR("1.%"), &millicores), -EINVAL);
	assert_int_equal(shape_parse_cpu(STR(".5%"), &millicores), -EINVAL);
	assert_int_equal(shape_parse_cpu(STR("1.25%"), &millicores), -EINVAL);
	snprintf(over, sizeof(over), "%ld%%", 100 * cores + 1);
	assert_int_equal(shape_parse_cpu(str_z(over), &millicores), -ERANGE);
	snprintf(over, sizeof(over), "%ld.1%%", 100 * cores);
	assert_int_equal(shape_parse_cpu(str_z(over), &millicores), -ERANGE);
	assert_int_equal(millicores, 5);
}

static void
test_client_link(void **state)
{
	struct lab_options o = {.nodes = 1, .link_bits = 1000000};
	struct topo_host client, node;

	assert_true(topo_find("client", &client) && topo_find("n1", &node));
	assert_int_equal(shape_rate(&o, &node), 1000000);
	assert_int_equal(shape_rate(&o, &client), 10000000);
	o.client_link_bits = 3000000;
	assert_int_equal(shape_rate(&o, &client), 3000000);
}

static void
test_hosts(void **state)
{
	struct topo_host h;

	assert_true(topo_find("n200", &h));
	assert_string_equal(h.addr, "198.18.1.200");
	assert_string_equal(h.mac, "02:07:c6:12:01:c8");
	assert_string_equal(h.port, "p-n200");
	assert_true(topo_find("machine", &h));
	assert_string_equal(h.addr, "198.18.255.254");
	assert_string_equal(h.dev, "sevenfold0");
	assert_false(topo_find("n201", &h));
	assert_false(topo_find("n0", &h));
	assert_false(topo_find("n01", &h));
	assert_false(topo_find("switch", &h));
}

static void
test_clashes(void **state)
{
	static const struct {
		uint32_t dest, mask, gateway;
		bool clashes;
	} routes[] = {
		{0, 0, 0x0a000001, false},		    /* default */
		{0x80000000, 0x80000000, 0, false},	    /* half of it */
		{0xc0000200, 0xffffff00, 0, false},	    /* around the VIP */
		{0xc000020a, 0xffffffff, 0, true},	    /* the VIP */
		{0, 0, 0xc000020a, true},		    /* by way of it */
		{0xc6120000, 0xfffe0000, 0, true},	    /* around */
		{0xc6120000, 0xffff0000, 0, true},	    /* the same */
		{0xc6124000, 0xffffc000, 0, true},	    /* inside */
		{0xc6130000, 0xffff0000, 0, false},	    /* beside */
		{0x0a000000, 0xff000000, 0xc6120001, true}, /* by way of */
	};

	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (machine_clashes(routes[i].dest, routes[i].mask,
			    routes[i].gateway) != routes[i].clashes)
			fail_msg("route %zu", i);
}

/* What the lab writes is what the daemons read. */
static void
test_conf(void **state)
{
	struct lab_options o = {
		.nodes = 3,
		.arch = &arch_sevenfold,
		.policy = &policy_md5,
		.cache_bytes = 4 << 20,
		.xdp = CONF_XDP_GENERIC,
		.workers = 5,
	};
	struct conf_errors errors;
	struct conf *c = NULL;
	struct buf b = {0};

	sevenfold_conf(&b, &o, NULL);
	assert_int_equal(conf_parse(buf_view(&b), &c, &errors), 0);
	assert_int_equal(c->nnodes, 3);
	assert_string_equal(c->nodes[2].name, "n3");
	assert_ptr_equal(c->place.policy, &policy_md5);
	assert_int_equal(c->xdp, CONF_XDP_GENERIC);
	assert_int_equal(c->workers, 5);
	assert_int_equal(c->forward.n, 1);
	assert_string_equal(c->sites[0].origins[0].host, TOPO_ORIGIN_ADDR);
	conf_errors_fini(&errors);
	conf_free(c);
	buf_fini(&b);
}

/* How other programs write their figures. */
static void
test_figures(void **state)
{
	struct str text = STR("client_http.requests = 70\n"
			      "client_http.requests_all = 9\n"
			      "Storage Mem size:      256 KB\n"
			      "\t     12 Hot Object Cache Items\n"
			      "none\n");

	assert_int_equal(daemon_figure(text, "client_http.requests"), 70);
	assert_int_equal(daemon_figure(text, "Storage Mem size"), 256);
	assert_int_equal(daemon_figure(text, "Hot Object Cache Items"), 12);
	assert_int_equal(daemon_figure(text, "client_http"), 0);
	assert_int_equal(daemon_figure(text, "none"), 0);
	assert_int_equal(daemon_figure(STR(""), "none"), 0);
}

/* What each architecture with Sevenfold's nodes writes is what they read. */
static void
test_architectures(void **state)
{
	const struct arch *a;

	for (size_t i = 0; (a = arch_at(i)); i++) {
		struct lab_options o = {
			.nodes = 2, .arch = a, .cache_bytes = 8 << 20};
		struct topo_host h = topo_host(TOPO_FIRST_NODE + 1);
		struct conf_errors errors;
		struct conf *c = NULL;
		struct buf b = {0};

		assert_ptr_equal(arch_find(a->name), a);
		if (a->node != &daemon_node)
			continue;
		sevenfold_conf(&b, &o, a->alone ? &h : NULL);
		assert_int_equal(conf_parse(buf_view(&b), &c, &errors), 0);
		assert_int_equal(c->nnodes, a->alone ? 1 : 2 + a->front);
		assert_int_equal(c->ngroups, a->front);
		assert_int_equal(c->cache_bytes, 8 << 20);
		assert_true(a == &arch_sevenfold || c->copies_pct == 100);
		conf_errors_fini(&errors);
		conf_free(c);
		buf_fini(&b);
	}
	assert_null(arch_find("best"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_client_link),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_clashes),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_architectures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
