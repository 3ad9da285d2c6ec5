/*
 * What is wrong in a configuration: a table of texts, each with the place and a
 * part of the message of every mistake in it.
 */
#include <errno.h>

#include "base/mem.h"
#include "base/own.h"
#include "conf/mistake.h"
#include "conf/test_conf.h"

struct wrong {
	const char *text;
	struct {
		unsigned line, column;
		const char *part; /* of "text; hint" */
	} mistakes[5];
};

static const struct wrong wrongs[] = {
	/* blocks */
	{"", {{1, 1, "no `cluster` block; add `cluster "}}},
	{SITE, {{1, 1, "no `cluster` block"}}},
	{"clutser c {" VIP NODE "polcy rr }" SITE,
		{{1, 1, "unknown block `clutser`; did you mean `cluster`?"},
			{1, 48, "unknown parameter `polcy` in `cluster`"}}},
	{AFTER(SITE ";server {}"),
		{{2, 28, "unknown block `server`; write `cluster`, `bala"}}},
	{AFTER("vip 192.0.2.10:80;" SITE),
		{{2, 1, "`vip` outside of a block; move it into `cluster`"}}},
	{AFTER("cluster d {" VIP NODE "}" SITE),
		{{2, 1, "a `cluster` block already, on line 1"}}},
	{AFTER("balancer {}\nbalancer {}" SITE),
		{{3, 1, "a `balancer` block already, on line 2"}}},
	{"cluster {" VIP NODE "}" SITE,
		{{1, 1, "takes one name; write `cluster NAME {`"}}},
	{"cluster a b {" VIP NODE "}" SITE, {{1, 11, "takes one name"}}},
	{"cluster _a {" VIP NODE "}" SITE, {{1, 9, "`_a` can't be a name"}}},
	{AFTER("balancer b {}" SITE), {{2, 10, "unexpected `b`"}}},
	{AFTER("balancer\n" SITE), {{2, 1, "`balancer` without a block"}}},
	{AFTER("{ foo; { } }\n" SITE), {{2, 1, "`{` without a name"}}},
	{CLUSTER("{ }"), {{2, 1, "`{` without a name"}}},
	{AFTER(SITE "}"), {{2, 27, "`}` without an open block; remove it"}}},
	{"cluster c {" VIP NODE "\n" SITE,
		{{1, 11, "block without an end; close"}}},
	{AFTER("foo { { }\n" SITE),
		{{1, 1, "nothing to serve"}, {2, 1, "unknown block `foo`"},
			{2, 5, "block without an end"}}},
	{AFTER("site a { origin http://o"), {{2, 8, "without an end"}}},
	{AFTER(""), {{1, 1, "nothing to serve: no `site`, no `forward`; add"}}},

	/* what a cluster must have */
	{"cluster c {" NODE "}" SITE,
		{{1, 1, "`cluster` without `vip`; add `vip ADDRESS:PORT`"}}},
	{"cluster c {" VIP "}" SITE,
		{{1, 1, "`cluster` without `node`; add `node NAME ADDR"}}},

	/* statements */
	{CLUSTER("polcy hrw"),
		{{2, 1,
			"unknown parameter `polcy` in `cluster`; did you mean "
			"`policy`?"}}},
	{CLUSTER("color blue"),
		{{2, 1,
			"unknown parameter `color` in `cluster`; write one of "
			"`vip`, `vip6`, `policy`"}}},
	{CLUSTER("\xc3\xa9 1"), {{2, 1, "unknown parameter `\\xc3\\xa9`"}}},
	{CLUSTER("origin http://o"),
		{{2, 1, "`origin` in a `cluster` block; move it to `site`"}}},
	{CLUSTER("workers 2\nworkers 3"),
		{{3, 1, "`workers` is given already, on line 2"}}},
	{CLUSTER("policy"),
		{{2, 1,
			"`policy` without a value; write "
			"`policy NAME [points N] [local | shared]`"}}},
	{CLUSTER("policy hrw rr"),
		{{2, 12, "unexpected `rr` after the policy `hrw`; end the"}}},
	{CLUSTER("policy mit_ch 40"),
		{{2, 15,
			"unexpected `40` after the policy `mit_ch`; write "
			"`points N`"}}},
	{CLUSTER("policy ring points 0"), {{2, 20, "`0`"}}},
	{CLUSTER("policy ht_rr both"),
		{{2, 14,
			"unexpected `both` after the policy `ht_rr`; write "
			"`local` or `shared`"}}},
	{CLUSTER("policy hrw points 9"), {{2, 12, "unexpected `points`"}}},
	{NODES("node a 10.0.0.1 weight 2; policy jump"),
		{{2, 1, "node `a` has a weight, of which the policy `jump`"}}},
	{NODES("node a 10.0.0.1; node b 10.0.0.2 weight 2\n"
	       "group g policy jump a b"),
		{{3, 1, "node `b` has a weight, of which the policy `jump`"}}},
	{CLUSTER("group g n1 n9"),
		{{2, 12, "there is no node `n9` before this line"}}},
	{CLUSTER("group g n1 n1"), {{2, 12, "`n1` is in the group already"}}},
	{CLUSTER("group g policy md5"), {{2, 16, "a group without nodes"}}},
	{CLUSTER("group g n1; group g n1"),
		{{2, 19, "there is a group `g` already"}}},
	{CLUSTER("rule g path *.jpg"),
		{{2, 6, "there is no group `g` before this line"}}},
	{CLUSTER("group g n1; rule g path"), {{2, 13, "`rule` without all"}}},
	{CLUSTER("group g n1; rule g size 9"),
		{{2, 20, "unexpected `size` in a rule"}}},
	{CLUSTER("group g n1; rule g host a path"),
		{{2, 27, "unexpected `path` in a rule"}}},
	{CLUSTER("group g n1; rule g path *.jpg path *.png"),
		{{2, 31, "a second `path` in a rule; write a rule for each"}}},
	{CLUSTER("group g n1; rule g header a b header c"),
		{{2, 31, "a second `header` in a rule"}}},
	{CLUSTER("copies 0.9"), {{2, 8, "`0.9` can't be a ratio"}}},
	{CLUSTER("copies 1.345"), {{2, 8, "`1.345` can't be a ratio"}}},
	{CLUSTER("copies 65"), {{2, 8, "`65` can't be a ratio"}}},
	{CLUSTER("copies off"), {{2, 8, "`off` can't be a ratio"}}},
	{CLUSTER("bound x"), {{2, 7, "`x` can't be a ratio"}}},
	{CLUSTER("policy hrw { a { b } }\nworkers 0"),
		{{2, 12, "`policy` opens no block"}, {3, 9, "`0`"}}},
	{CLUSTER("polic rr { }"), {{2, 1, "did you mean `policy`?"}}},

	/* bytes and quotes */
	{CLUSTER("cache \"1G"), {{2, 7, "quote without an end"}}},
	{CLUSTER("policy hrw \x01"), {{2, 12, "control byte 0x01"}}},
	{CLUSTER("policy \x7f\x1b hrw"), {{2, 8, "control byte 0x7f"}}},
	{CLUSTER("# \x1b[2J"), {{2, 3, "control byte 0x1b"}}},
	{CLUSTER("policy hrw\r;"), {{2, 11, "control byte 0x0d"}}},
	{CLUSTER("policy \"h\x01rw\""),
		{{2, 8, "unknown policy `h\\x01rw`"},
			{2, 10, "control byte 0x01"}}},

	/* addresses and ports */
	{"cluster c { vip 192.0.2.10;" NODE "}" SITE,
		{{1, 17, "has no port; write `ADDRESS:PORT`, like `192."}}},
	{"cluster c { vip 192.0.2.256:80;" NODE "}" SITE,
		{{1, 17, "`192.0.2.256` is not an IPv4 address"}}},
	{"cluster c { vip 1.2.3.4:0;" NODE "}" SITE,
		{{1, 25, "`0` is not a port; write a number of 1 to 65535"}}},
	{"cluster c { vip 1.2.3.4:65536;" NODE "}" SITE,
		{{1, 25, "`65536` is not a port"}}},
	{"cluster c { vip 239.1.2.3:80;" NODE "}" SITE,
		{{1, 17, "`239.1.2.3` can't be the address of a host"}}},
	{"cluster c { vip 10.0.0.11:80;" NODE "}" SITE,
		{{1, 13, "the vip is also the address of node `n1`"}}},
	{"cluster c { vip [::1]:80;" NODE "}" SITE,
		{{1, 17, "`[` is not an IPv4 address"}}},
	{CLUSTER("peer_port 0"), {{2, 11, "`0` is not a port"}}},
	{CLUSTER("peer_port 70000"), {{2, 11, "`70000` is not a port"}}},
	{CLUSTER("status_port 80"),
		{{2, 1, "`vip` and `status_port` are both port 80; give"}}},
	{CLUSTER("status_port 7077"),
		{{2, 1, "`peer_port` and `status_port` are both port 7077"}}},
	{CLUSTER("peer_port 7078"),
		{{2, 1, "`peer_port` and `status_port` are both port 7078"}}},
	{"cluster c { vip 192.0.2.10:7077;" NODE "}" SITE,
		{{1, 13, "`vip` and `peer_port` are both port 7077"}}},
	{CLUSTER("vip6 10.0.0.1"),
		{{2, 6, "`10.0.0.1` is not the IPv6 address of a host"}}},
	{CLUSTER("vip6 ff02::1"),
		{{2, 6, "`ff02::1` is not the IPv6 address of a host"}}},
	{CLUSTER("vip6 ::ffff:10.0.0.1"),
		{{2, 6, "is not the IPv6 address of a host"}}},
	{CLUSTER("status_port 0"), {{2, 13, "`0` is not a port"}}},
	{CLUSTER("peer_port http"), {{2, 11, "`http` is not a port"}}},

	/* nodes */
	{CLUSTER("node"), {{2, 1, "`node` without a value"}}},
	{CLUSTER("node n2"),
		{{2, 1,
			"`node` without all its values; write "
			"`node NAME ADDRESS [weight N]`"}}},
	{CLUSTER("node n1 10.0.0.12"), {{2, 6, "a node `n1` already"}}},
	{CLUSTER("node n2 10.0.0.11"),
		{{2, 9, "`10.0.0.11` is the address of node `n1` already"}}},
	{CLUSTER("node n1 10.0.0.11"),
		{{2, 6, "a node `n1` already"}, {2, 9, "the address of"}}},
	{NODES("node n/1 10.0.0.11"), {{2, 6, "`n/1` can't be a name"}}},
	{NODES("node \"\" 10.0.0.11"), {{2, 6, "`` can't be a name"}}},
	{NODES("node n1- 10.0.0.11"), {{2, 6, "at both ends"}}},
	{NODES("node n1 10.0.0"), {{2, 9, "not an IPv4 address"}}},
	{NODES("node n1 0.0.0.0"), {{2, 9, "can't be the address"}}},
	{NODES("node n1 10.0.0.1 wieght 2"),
		{{2, 18, "unexpected `wieght` after the node's address"}}},
	{NODES("node n1 10.0.0.1 weight"), {{2, 18, "without its number"}}},
	{NODES("node n1 10.0.0.1 weight 0"),
		{{2, 25,
			"`0` is not a weight; write a whole number of 1 to "
			"1000"}}},
	{NODES("node n1 10.0.0.1 weight 1001"), {{2, 25, "not a weight"}}},
	{NODES("node n1 10.0.0.1 weight -1"), {{2, 25, "not a weight"}}},
	{NODES("node n1 10.0.0.1 weight 2 x"), {{2, 27, "unexpected `x`"}}},

	/* choices and quantities */
	{CLUSTER("policy hrv"),
		{{2, 8, "unknown policy `hrv`; did you mean `hrw`?"}}},
	{CLUSTER("policy fastest"),
		{{2, 8,
			"unknown policy `fastest`; write `hrw`, `maglev`, "
			"`jump`, "}}},
	{BALANCER("xdp genric"), {{2, 5, "did you mean `generic`?"}}},
	{CLUSTER("workers 0"), {{2, 9, "1 to 256"}}},
	{CLUSTER("workers many"), {{2, 9, "`many` is not a number"}}},
	{CLUSTER("cache lots"), {{2, 7, "`lots` is not a size; write"}}},
	{CLUSTER("cache 1.5G"), {{2, 7, "`1.5G` is not a size"}}},
	{CLUSTER("cache 0"), {{2, 7, "out of range; write `1K` to `1024T`"}}},
	{CLUSTER("cache 1025T"), {{2, 7, "out of range"}}},
	{CLUSTER("cache 18446744073709551615T"), {{2, 7, "out of range"}}},
	{CLUSTER("cache 99999999999999999999"), {{2, 7, "out of range"}}},
	{CLUSTER("cache 1M; object_max 2M"),
		{{2, 11, "`object_max` is more than `cache`"}}},
	{CLUSTER("object_max 257M"), {{2, 1, "more than `cache`"}}},
	{CLUSTER("head_timeout 10"),
		{{2, 14, "`10` is not a duration; write a number with ms"}}},
	{CLUSTER("head_timeout 0s"), {{2, 14, "out of range; write `1ms`"}}},
	{CLUSTER("idle_timeout 0ms"), {{2, 14, "out of range"}}},
	{CLUSTER("connect_timeout 25h"), {{2, 17, "out of range"}}},
	{CLUSTER("first_byte_timeout -1s"), {{2, 20, "not a duration"}}},
	{CLUSTER("between_timeout 1"), {{2, 17, "not a duration"}}},
	{CLUSTER("body_timeout off"), {{2, 14, "not a duration"}}},
	{CLUSTER("min_rate 0"),
		{{2, 10, "`0` is not a number of bytes a second or `off`"}}},
	{CLUSTER("request_line_max 9K"),
		{{2, 1,
			"`request_line_max` is more than 8192 bytes; write "
			"`8K` at most"}}},
	{CLUSTER("field_max 33K"), {{2, 1, "more than 32768 bytes"}}},
	{CLUSTER("head_max 33K"), {{2, 1, "`head_max` is more than 32768"}}},
	{CLUSTER("fields_max 101"),
		{{2, 12, "`101` is not a number of fields; write a whole"}}},
	{CLUSTER("body_max none"), {{2, 10, "`none` is not a size"}}},
	{CLUSTER("origin_idle_max 0"),
		{{2, 17, "`0` is not a number of connections"}}},
	{CLUSTER("connect_ports 443 https 0"),
		{{2, 19, "`https` is not a port"}, {2, 25, "`0` is not"}}},
	{CLUSTER("connect_ports"), {{2, 1, "without a value"}}},
	{CLUSTER("proxy_protocol 10.0.0.1/8"), {{2, 16, "has bits set"}}},
	{CLUSTER("resolver dns.test"), {{2, 10, "not an IPv4 address"}}},
	{CLUSTER("resolver 10.0.0.1:0"), {{2, 19, "`0` is not a port"}}},
	{BALANCER("check_interval 0ms"), {{2, 16, "out of range"}}},
	{BALANCER("check_fall 0"), {{2, 12, "`0` is not a number of checks"}}},
	{BALANCER("check_rise 101"), {{2, 12, "1 to 100"}}},
	{BALANCER("interface eth0/1"), {{2, 11, "`ip link` shows"}}},
	{BALANCER("interface averylonginterface"), {{2, 11, "can't be"}}},

	/* prefixes */
	{CLUSTER("forward 10.0.0.1/8"),
		{{2, 9,
			"`10.0.0.1/8` has bits set beyond its 8 bits; write "
			"`10.0.0.0/8`"}}},
	{CLUSTER("forward 10.0.0.0/33 x ::/0"),
		{{2, 9, "`10.0.0.0/33` is not an IPv4 prefix"},
			{2, 21, "`x` is not"}, {2, 23, "`::/0` is not"}}},
	{CLUSTER("forward 10.0.0.0/"), {{2, 9, "not an IPv4 prefix"}}},
	{CLUSTER("forward"), {{2, 1, "`forward` without a value"}}},

	/* sites */
	{AFTER("site { origin http://o }"),
		{{2, 1, "`site` without a host; write `site HOST... {`"}}},
	{AFTER("site a { }"), {{2, 1, "`site` without `origin`; add"}}},
	{AFTER("site a b A { origin http://o }"),
		{{2, 10, "there is a site `A` already"}}},
	{AFTER(SITE SITE), {{2, 32, "there is a site `a` already"}}},
	{AFTER("site * { origin http://o }\n" SITE),
		{{3, 1, "a site after `site *`, which takes all hosts; move"}}},
	{AFTER("site * { origin http://o }\nsite * { origin http://o }"),
		{{3, 6, "there is a site `*` already"}}},
	{AFTER("site a * { origin http://o }"), {{2, 1, "write `*` alone"}}},
	{AFTER("site a:80 { origin http://o }"),
		{{2, 6, "has no port: `a:80`; write `a`"}}},
	{AFTER("site *.a { origin http://o }"), {{2, 6, "no patterns"}}},
	{AFTER("site a/b { origin http://o }"), {{2, 6, "can't be a host"}}},
	{AFTER("site a. { origin http://o }"), {{2, 6, "can't be a host"}}},
	{ORIGIN("http://o; origin http://O:80"),
		{{2, 34, "there is an origin `http://O:80` already; name"}}},
	{ORIGIN("http://o wieght 2"),
		{{2, 26, "unexpected `wieght` after the origin's address"}}},
	{ORIGIN("http://o weight"), {{2, 26, "without its number"}}},
	{ORIGIN("http://o weight 0"), {{2, 33, "`0` is not a weight"}}},
	{ORIGIN("http://o weight 2 x"), {{2, 35, "unexpected `x`"}}},
	{ORIGIN("http://o; check health"),
		{{2, 33, "`health` can't be a path; write one that begins"}}},
	{ORIGIN("http://o; check \"/a b\""), {{2, 33, "can't be a path"}}},
	{ORIGIN("http://o; check_fall 0"), {{2, 38, "not a number of checks"}}},
	{ORIGIN("http://o; check_interval 1d"), {{2, 42, "not a duration"}}},
	{"cluster c { vip 10.0.0.1:80; node n 10.0.0.2\n"
	 "	cache http://127.0.0.1:3128 }\n"
	 "site a { origin http://o; distill text }",
		{{1, 1,
			"a site with `distill`, but `cache` is another one's, "
			"where originals are stored; give `cache` a size, or "
			"have that cache distil"}}},
	{ORIGIN("http://o; distill image"),
		{{2, 35,
			"unknown thing to distil `image`; did you mean "
			"`images`"}}},
	{ORIGIN("http://o; distill images off"), {{2, 42, "`off`"}}},
	{ORIGIN("http://o; distill_wait 0"), {{2, 40, "not a duration"}}},
	{ORIGIN("http://o; distill_widths 640 320"),
		{{2, 46,
			"320 is no more than the width before it; write the "
			"widths from small to large"}}},
	{ORIGIN("http://o; distill_widths 0"), {{2, 42, "not a width"}}},
	{ORIGIN("http://o; distill_quality 101 1"), {{2, 43, "not a quality"}}},
	{ORIGIN("http://o; distill_quality 75"), {{2, 27, "distill_quality"}}},
	{ORIGIN("http://o; distill_original a=b"),
		{{2, 44, "`a=b` is not the name of a parameter"}}},
	{ORIGIN("https://o"),
		{{2, 17, "https is not supported yet; write `http://HOST"}}},
	{ORIGIN("o:80"), {{2, 17, "`o:80` is not an origin; write"}}},
	{ORIGIN("http://o/a"), {{2, 17, "an origin has no path"}}},
	{ORIGIN("http://o:80?a"), {{2, 17, "an origin has no path"}}},
	{ORIGIN("http://"), {{2, 17, "`` can't be an origin's host"}}},
	{ORIGIN("http://u@o"), {{2, 17, "`u@o` can't be an origin's host"}}},
	{ORIGIN("http://10.0.0.300"), {{2, 17, "write a name or an IPv4"}}},
	{ORIGIN("http://[::1]:80"), {{2, 17, "can't be an origin's host"}}},
	{ORIGIN("http://o:"), {{2, 26, "`` is not a port"}}},
	{ORIGIN("http://o:99999"), {{2, 26, "`99999` is not a port"}}},
};

static void
assert_wrong(const struct wrong *w, const struct conf_errors *errors)
{
	size_t n = 0;

	for (; n < 5 && w->mistakes[n].part; n++) {
		const struct conf_error *e = &errors->v[n];
		own_free char *said = NULL;

		if (n == errors->n)
			fail_msg("not found: %s\nin: %s", w->mistakes[n].part,
				w->text);
		said = xasprintf("%s; %s", e->text, e->hint);
		if (!strstr(said, w->mistakes[n].part))
			fail_msg("'%s' lacks '%s'\nin: %s", said,
				w->mistakes[n].part, w->text);
		if (e->line != w->mistakes[n].line ||
			e->column != w->mistakes[n].column)
			fail_msg("%u:%u: '%s', expected at %u:%u\nin: %s",
				e->line, e->column, said, w->mistakes[n].line,
				w->mistakes[n].column, w->text);
	}
	if (n < errors->n)
		fail_msg(
			"one too many: %s\nin: %s", errors->v[n].text, w->text);
}

static void
test_wrong(void **state)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct conf_errors errors;
		struct conf *c = NULL;

		assert_int_equal(conf_parse(str_z(wrongs[i].text), &c, &errors),
			-EINVAL);
		assert_null(c);
		assert_wrong(&wrongs[i], &errors);
		conf_errors_fini(&errors);
	}
}

static void
test_many_mistakes(void **state)
{
	struct conf_errors errors;
	struct buf b = {0};
	struct conf *c;

	for (int i = 0; i < 1000; i++)
		buf_z(&b, "{\n");
	assert_int_equal(conf_parse(buf_view(&b), &c, &errors), -EINVAL);
	/* there is no cluster; the outermost has no name and no end */
	assert_int_equal(errors.n, 3);
	conf_errors_fini(&errors);
	for (int i = 0; i < 1000; i++)
		buf_z(&b, "}}\n");
	assert_int_equal(conf_parse(buf_view(&b), &c, &errors), -EINVAL);
	assert_int_equal(errors.n, MISTAKES_MAX);
	conf_errors_fini(&errors);
	buf_fini(&b);
}

static void
test_many_origins(void **state)
{
	struct conf_errors errors;
	struct buf b = {0};
	struct conf *c;

	buf_z(&b, AFTER("site a {\n"));
	for (unsigned i = 0; i < CONF_ORIGINS_MAX; i++)
		buf_printf(&b, "origin http://o%u\n", i);
	buf_z(&b, "}");
	c = parse_right(buf_view(&b));
	assert_int_equal(c->sites[0].norigins, CONF_ORIGINS_MAX);
	conf_free(c);
	b.tail--;
	buf_z(&b, "origin http://o }");
	assert_int_equal(conf_parse(buf_view(&b), &c, &errors), -EINVAL);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.v[0].text, "more than 64 origins in a site");
	assert_int_equal(errors.v[0].line, CONF_ORIGINS_MAX + 3);
	conf_errors_fini(&errors);
	buf_fini(&b);
}

static void
test_quote(void **state)
{
	char word[200];

	memset(word, 0xff, sizeof(word));
	assert_string_equal(quote(STR("a\x1b`")).z, "`a\\x1b``");
	assert_true(strlen(quote(str_of(word, 200)).z) < 80);
	memset(word, 'a', sizeof(word));
	for (size_t n = 60; n < 90; n++)
		assert_true(strlen(quote(str_of(word, n)).z) < 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_many_mistakes),
		cmocka_unit_test(test_many_origins),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
