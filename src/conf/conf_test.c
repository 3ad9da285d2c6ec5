/* The configuration: what texts without mistakes mean. */
#include "conf/test_conf.h"

/* A value of its own for each parameter. */
static const char everything[] =
	"\xef\xbb\xbf# all of it\r\n"
	"cluster edge.1\n{ # a brace of its own line\r\n"
	"	vip 192.0.2.10:8080 ; vip6 2001:DB8::10; policy md5\n"
	"	node n1 10.0.0.11; node \"n2\" 10.0.0.12 weight 1000\n"
	"	forward 10.0.0.0/8 192.0.2.7/32\n"
	"	forward 0.0.0.0/0\n"
	"	connect_ports 443 8443\n"
	"	proxy_protocol 10.1.0.0/16\n"
	"	peer_port 7000; status_port off; workers 4; cache 1G; "
	"object_max 64k\n"
	"	head_timeout 1500ms; idle_timeout 2m\n"
	"	tunnel_timeout 5m\n"
	"	body_timeout 3s; min_rate 500; request_line_max 4K\n"
	"	field_max 2K; head_max 8K; fields_max 50; body_max 1G\n"
	"	connect_timeout 1s; first_byte_timeout 1h\n"
	"	between_timeout 2s; origin_keepalive 9s\n"
	"	origin_idle_max 7; resolver 10.0.0.53 }\n"
	"site Example.ORG www.example.org {\n"
	"	origin http://Origin.example:8000\n"
	"	origin http://10.0.0.3 weight 3\n"
	"	check /health?x=1; check_interval 3s; check_fall 5\n"
	"	check_rise 6; distill text avif; distill_wait off\n"
	"	distill_widths 100 200; distill_quality 90 1\n"
	"	distill_original full-size }\n"
	"site * { origin http://10.0.0.2 }\n"
	"balancer { interface eth0.7; xdp generic; check_interval 1s;\n"
	"	check_timeout 20ms; check_fall 3; check_rise 4 }";

static void
test_cluster(void **state)
{
	struct conf *c = parse_right(str_z(everything));

	assert_string_equal(c->cluster, "edge.1");
	assert_int_equal(ntohl(c->vip.s_addr), 0xc000020a);
	assert_int_equal(c->vip6.s6_addr[1], 0x01);
	assert_int_equal(c->vip6.s6_addr[15], 0x10);
	assert_int_equal(c->vip_port, 8080);
	assert_ptr_equal(c->place.policy, &policy_md5);
	assert_int_equal(c->nnodes, 2);
	assert_int_equal(c->nodes[0].weight, 1);
	assert_string_equal(c->nodes[1].name, "n2");
	assert_int_equal(ntohl(c->nodes[1].addr.s_addr), 0x0a00000c);
	assert_int_equal(c->nodes[1].weight, 1000);
	assert_int_equal(conf_node_index(c, "n2"), 1);
	assert_int_equal(conf_node_index(c, "n3"), -1);
	assert_int_equal(c->forward.n, 3);
	assert_int_equal(c->forward.v[0].bits, 8);
	assert_int_equal(c->forward.v[1].bits, 32);
	assert_int_equal(c->forward.v[2].bits, 0);
	assert_int_equal(c->connect_ports.n, 2);
	assert_int_equal(c->connect_ports.v[1], 8443);
	assert_int_equal(c->proxy_protocol.n, 1);
	assert_int_equal(c->proxy_protocol.v[0].bits, 16);
	assert_int_equal(c->peer_port, 7000);
	assert_int_equal(c->status_port, 0);
	assert_int_equal(c->workers, 4);
	assert_int_equal(c->cache_bytes, 1 << 30);
	assert_int_equal(c->object_max_bytes, 65536);
	assert_int_equal(c->head_timeout_ns, 1500000000);
	assert_int_equal(c->idle_timeout_ns, 120000000000);
	assert_int_equal(c->tunnel_timeout_ns, 300000000000);
	assert_int_equal(c->body_timeout_ns, 3000000000);
	assert_int_equal(c->min_rate_bytes, 500);
	assert_int_equal(c->request_line_max_bytes, 4096);
	assert_int_equal(c->field_max_bytes, 2048);
	assert_int_equal(c->head_max_bytes, 8192);
	assert_int_equal(c->fields_max, 50);
	assert_int_equal(c->body_max_bytes, 1 << 30);
	assert_int_equal(c->connect_timeout_ns, 1000000000);
	assert_int_equal(c->first_byte_timeout_ns, 3600000000000);
	assert_int_equal(c->between_timeout_ns, 2000000000);
	assert_int_equal(c->origin_keepalive_ns, 9000000000);
	assert_int_equal(c->origin_idle_max, 7);
	assert_int_equal(ntohl(c->resolver.s_addr), 0x0a000035);
	assert_int_equal(c->resolver_port, 53);
	conf_free(c);
}

static void
test_sites(void **state)
{
	struct conf *c = parse_right(str_z(everything));

	assert_int_equal(c->nsites, 2);
	assert_int_equal(c->sites[0].nhosts, 2);
	assert_string_equal(c->sites[0].hosts[0], "example.org");
	assert_int_equal(c->sites[0].norigins, 2);
	assert_string_equal(c->sites[0].origins[0].host, "origin.example");
	assert_int_equal(c->sites[0].origins[0].port, 8000);
	assert_int_equal(c->sites[0].origins[0].weight, 1);
	assert_int_equal(c->sites[0].origins[1].weight, 3);
	assert_string_equal(c->sites[0].check_path, "/health?x=1");
	assert_int_equal(c->sites[0].check_interval_ns, 3000000000);
	assert_int_equal(c->sites[0].check_fall, 5);
	assert_int_equal(c->sites[0].check_rise, 6);
	assert_true(c->sites[0].distill.images); /* what AVIF is of */
	assert_true(c->sites[0].distill.avif);
	assert_true(c->sites[0].distill.text);
	assert_int_equal(c->sites[0].distill_wait_ns, 0);
	assert_int_equal(c->sites[0].distill_widths[1], 200);
	assert_int_equal(c->sites[0].distill_widths[2], 0);
	assert_int_equal(c->sites[0].distill_quality, 90);
	assert_int_equal(c->sites[0].distill_save_quality, 1);
	assert_string_equal(c->sites[0].distill_original, "full-size");
	assert_string_equal(c->sites[1].hosts[0], "*");
	assert_int_equal(c->sites[1].origins[0].port, 80);
	conf_free(c);
}

static void
test_balancer(void **state)
{
	struct conf *c = parse_right(str_z(everything));

	assert_string_equal(c->interface, "eth0.7");
	assert_int_equal(c->xdp, CONF_XDP_GENERIC);
	assert_int_equal(c->check_interval_ns, 1000000000);
	assert_int_equal(c->check_timeout_ns, 20000000);
	assert_int_equal(c->check_fall, 3);
	assert_int_equal(c->check_rise, 4);
	conf_free(c);
}

static void
test_other_cache(void **state)
{
	struct conf *c =
		parse_right(STR("cluster c { vip 10.0.0.1:80; node n 10.0.0.2\n"
				"	cache http://localhost:3128 }\n"
				"site a { origin http://o }"));

	assert_string_equal(c->cache_host, "localhost");
	assert_int_equal(c->cache_port, 3128);
	conf_free(c);
}

static void
test_presets(void **state)
{
	struct conf *c = parse_right(str_z(AFTER(SITE)));

	assert_ptr_equal(c->place.policy, &policy_hrw);
	assert_int_equal(c->ngroups + c->nrules, 0);
	assert_int_equal(c->copies_pct, 135);
	assert_int_equal(c->bound_pct, 125);
	assert_int_equal(c->warmup_ns, 600000000000);
	assert_int_equal(c->forward.n, 0);
	assert_int_equal(c->connect_ports.n, 0);
	assert_int_equal(c->proxy_protocol.n, 0);
	assert_int_equal(c->peer_port, 7077);
	assert_int_equal(c->status_port, 7078);
	assert_int_equal(c->workers, 0);
	assert_int_equal(c->cache_bytes, 256 << 20);
	assert_int_equal(c->object_max_bytes, 32 << 20);
	assert_int_equal(c->head_timeout_ns, 10000000000);
	assert_int_equal(c->idle_timeout_ns, 60000000000);
	assert_int_equal(c->tunnel_timeout_ns, 3600000000000);
	assert_int_equal(c->body_timeout_ns, 30000000000);
	assert_int_equal(c->min_rate_bytes, 0);
	assert_int_equal(c->request_line_max_bytes, 8192);
	assert_int_equal(c->field_max_bytes, 16384);
	assert_int_equal(c->head_max_bytes, 32768);
	assert_int_equal(c->fields_max, 100);
	assert_int_equal(c->body_max_bytes, UINT64_MAX);
	assert_int_equal(c->connect_timeout_ns, 5000000000);
	assert_int_equal(c->first_byte_timeout_ns, 30000000000);
	assert_int_equal(c->between_timeout_ns, 30000000000);
	assert_int_equal(c->origin_keepalive_ns, 30000000000);
	assert_int_equal(c->origin_idle_max, 64);
	assert_int_equal(c->resolver_port, 0);
	assert_null(c->sites[0].check_path);
	assert_int_equal(c->sites[0].check_interval_ns, 5000000000);
	assert_int_equal(c->sites[0].check_fall, 3);
	assert_int_equal(c->sites[0].check_rise, 2);
	assert_false(c->sites[0].distill.images || c->sites[0].distill.text);
	assert_int_equal(c->sites[0].distill_wait_ns, 1000000000);
	assert_int_equal(c->sites[0].distill_widths[3], 1920);
	assert_int_equal(c->sites[0].distill_widths[4], 0);
	assert_null(c->sites[0].distill_original);
	assert_null(c->interface);
	assert_int_equal(c->xdp, CONF_XDP_AUTO);
	assert_int_equal(c->check_interval_ns, 500000000);
	assert_int_equal(c->check_timeout_ns, 500000000);
	assert_int_equal(c->check_fall, 2);
	assert_int_equal(c->check_rise, 2);
	conf_free(c);
}

static void
test_places(void **state)
{
	struct conf *c =
		parse_right(STR("cluster c {" VIP NODE "node n2 10.0.0.12\n"
				"policy mit_ch points 40\n"
				"copies 1.5; bound 1.07; warmup off\n"
				"group a policy ht_rr shared n1 n2\n"
				"group b n2\n"
				"rule a path *.jpg host *.example.org\n"
				"rule b header X-Kind \"b c*\"\n"
				"rule b header X-Kind\n}" SITE));

	assert_ptr_equal(c->place.policy, &policy_mit_ch);
	assert_int_equal(c->place.points, 40);
	assert_int_equal(c->copies_pct, 150);
	assert_int_equal(c->bound_pct, 107);
	assert_int_equal(c->warmup_ns, 0);
	assert_int_equal(c->ramp_ns, 10000000000);
	assert_int_equal(c->ngroups, 2);
	assert_ptr_equal(c->groups[0].place.policy, &policy_ht_rr);
	assert_true(c->groups[0].place.shared);
	assert_int_equal(c->groups[0].nnodes, 2);
	assert_string_equal(c->groups[0].nodes[1], "n2");
	assert_null(c->groups[1].place.policy);
	assert_int_equal(c->nrules, 3);
	assert_string_equal(c->rules[0].group, "a");
	assert_string_equal(c->rules[0].path, "*.jpg");
	assert_string_equal(c->rules[0].host, "*.example.org");
	assert_null(c->rules[0].header);
	assert_string_equal(c->rules[1].header, "X-Kind");
	assert_string_equal(c->rules[1].value, "b c*");
	assert_null(c->rules[2].value);
	conf_free(c);
}

static void
test_dump(void **state)
{
	static const char *const texts[] = {
		AFTER(SITE),
		"cluster c {" VIP NODE "forward 10.0.0.0/8 }",
		CLUSTER("cache 1025K; policy rr; workers 3; node b 1.2.3.4"),
		BALANCER("interface eth0; xdp native; check_rise 9"),
		AFTER(SITE "site b c { origin http://x:81 }"
			   "site * { origin http://y; check /%20?; "
			   "origin http://y:81 weight 9 }"),
		CLUSTER("connect_ports 443 1; proxy_protocol 0.0.0.0/0;"
			"resolver 127.0.0.1:5353; min_rate 1; body_max 1025K"),
		CLUSTER("group a policy ring points 7 n1; rule a path \"*;#\" "
			"header x host b*; copies 2; bound off; ramp off;"
			"group b n1; rule b host ?; policy ht_rr shared"),
		CLUSTER("handoff on; secret \"/etc/a b;#\""),
		CLUSTER("handoff off"),
		CLUSTER("handoff_hook xdp"),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct conf *c = parse_right(str_z(texts[i])), *again;
		struct buf first = {0}, second = {0};

		conf_dump(c, &first);
		again = parse_right(buf_view(&first));
		conf_dump(again, &second);
		assert_true(str_eq(buf_view(&first), buf_view(&second)));
		conf_free(c);
		conf_free(again);
		buf_fini(&first);
		buf_fini(&second);
	}
}

static void
test_dump_says_all(void **state)
{
	struct conf *c = parse_right(str_z(
		BALANCER("interface eth0; xdp native; check_interval 2s")));
	struct buf b = {0};

	c->object_max_bytes = 1536;
	conf_dump(c, &b);
	buf_append(&b, "", 1);
	assert_string_equal(buf_head(&b),
		"cluster c {\n"
		"	vip                192.0.2.10:80\n"
		"	policy             hrw\n"
		"	node               n1 10.0.0.11 weight 1\n"
		"	copies             1.35\n"
		"	bound              1.25\n"
		"	warmup             10m\n"
		"	ramp               10s\n"
		"	peer_port          7077\n"
		"	status_port        7078\n"
		"	handoff            auto\n"
		"	handoff_hook       tc\n"
		"	workers            auto\n"
		"	cache              256M\n"
		"	object_max         1536\n"
		"	head_timeout       10s\n"
		"	body_timeout       30s\n"
		"	idle_timeout       1m\n"
		"	tunnel_timeout     1h\n"
		"	min_rate           off\n"
		"	request_line_max   8K\n"
		"	field_max          16K\n"
		"	head_max           32K\n"
		"	fields_max         100\n"
		"	body_max           off\n"
		"	connect_timeout    5s\n"
		"	first_byte_timeout 30s\n"
		"	between_timeout    30s\n"
		"	origin_keepalive   30s\n"
		"	origin_idle_max    64\n"
		"}\n"
		"balancer {\n"
		"	interface          eth0\n"
		"	xdp                native\n"
		"	driver             xdp\n"
		"	scheduler          rr\n"
		"	flows              1000000\n"
		"	check_interval     2s\n"
		"	check_path         off\n"
		"	check_timeout      500ms\n"
		"	check_fall         2\n"
		"	check_rise         2\n"
		"}\n"
		"site a {\n"
		"	origin             http://o:80 weight 1\n"
		"	check              off\n"
		"	check_interval     5s\n"
		"	check_fall         3\n"
		"	check_rise         2\n"
		"	distill            off\n"
		"	distill_wait       1s\n"
		"	distill_widths     320 640 1080 1920\n"
		"	distill_quality    75 45\n"
		"	distill_original   off\n"
		"}\n");
	conf_free(c);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_balancer),
		cmocka_unit_test(test_other_cache),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
