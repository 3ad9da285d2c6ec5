/* sevenfold status, run against a unix socket that a thread answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "admin/test_server.h"
#include "prog/status_text.h"
#include "prog/test_verb.h"
#include "prog/verb.h"

#define HEAD                                                                 \
	"{'role':'node','name':'n3','cluster':'edge','policy':'hrw',"        \
	"'vip':'192.0.2.10:80','view':'ac89c3e3c810aa49','uptime_s':185.2,'" \
	"nodes':["
#define NODE(name, f)                                                      \
	"{'name':'" name "','address':'10.0.0.11','up':true,'self':false," \
	"'weight':1,'uptime_s':1,'view':'ac89c3e3c810aa49','counters':{'"  \
	"requests':" f ",'local':250"                                      \
	",'relayed':750,'served':1000,'hits':800,"                         \
	"'coalesced':100,'misses':60,'passes':40,'errors':0,"              \
	"'client_bytes':1536,'peer_bytes':1048576,'origin_fetches':100,"   \
	"'origin_bytes':2048,'objects':90,'cache_bytes':5242880,"          \
	"'connections':3}}"

static const char cluster_doc[] = HEAD NODE("n1",
	"1000") ","
		"{'name':'n2','address':'10.0.0.12','up':false,'self':false,"
		"'weight':1}," NODE("n3", "500") "]}";

static const char cluster_text[] =
	"cluster edge: vip 192.0.2.10:80, policy hrw, view ac89c3e3c810aa49, "
	"3 nodes, 2 up, 1 down\n"
	"says node n3, up for 3 min 5 s\n"
	"\n"
	"                                                         "
	"            to     to    from\n"
	"node   state  requests  local  relayed    hit  objects  c"
	"ached  clients  peers  origin\n"
	"n1     up        1,000  25.0%      750  90.0%       90   "
	" 5.0M     1.5K   1.0M    2.0K\n"
	"n2     down\n"
	"n3     up          500  50.0%      750  90.0%       90   "
	" 5.0M     1.5K   1.0M    2.0K\n"
	"---------------------------------------------------------"
	"-----------------------------\n"
	"total  2 up      1,500  33.3%    1,500  90.0%      180   "
	"10.0M     3.0K   2.0M    4.0K\n";

static const char balancer_doc[] =
	"{'role':'balancer','interface':'eth0','xdp':'native',"
	"'vip':'192.0.2.10:80','uptime_s':12,'nodes':["
	"{'name':'n1','address':'10.0.0.11','mac':'02:00:00:00:00:01',"
	"'up':true,'connections':3,'packets':1500,'bytes':4096},"
	"{'name':'n2','address':'10.0.0.12','mac':null,'up':false,"
	"'connections':1,'packets':500,'bytes':0}],"
	"'verdicts':{'forwarded':2000,'not_tcp':0,'no_node':12}}";

static const char balancer_text[] =
	"balancer: vip 192.0.2.10:80 on eth0, xdp native, 2 nodes, 1 up, "
	"1 down\n"
	"up for 12 s\n"
	"\n"
	"node   state  address    MAC address        connections  packets  "
	"bytes\n"
	"n1     up     10.0.0.11  02:00:00:00:00:01            3    1,500   "
	"4.0K\n"
	"n2     down   10.0.0.12  -                            1      500     "
	"0B\n"
	"------------------------------------------------------------------"
	"-----\n"
	"total  1 up                                           4    2,000   "
	"4.0K\n"
	"\n"
	"verdict    packets\n"
	"forwarded    2,000\n"
	"no_node         12\n";

/* JSON written with ' for ", to be freed. */
static char *
json(const char *text)
{
	char *z = xstrdup(text);

	for (char *p = z; (p = strchr(p, '\''));)
		*p = '"';
	return z;
}

/* The verb's words, asking a server that gives this answer. */
static struct said
status(const char *text, bool as_json)
{
	own_free char *answer = json(text);
	struct test_server s;
	struct said said;
	char *argv[] = {"status", "--socket", s.path, "--json", NULL};

	test_server_start(&s, "n3.sock", answer);
	said = run_verb(verb_status, as_json ? 4 : 3, argv);
	test_server_stop(&s);
	test_server_remove(&s);
	assert_string_equal(s.asked, "status\n");
	return said;
}

static void
test_cluster(void **state)
{
	struct said said = status(cluster_doc, false);

	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, cluster_text);
}

static void
test_origins_lost(void **state)
{
	struct said said =
		status(HEAD "{'name':'n1','up':true,'origins_lost':["
			    "{'site':'a','origin':'o:80','state':'out'},"
			    "{'site':'b','origin':'p:81','state':'down'}]},"
			    "{'name':'n2','up':true,'origins_lost':[]},"
			    "{'name':'n3','up':true,'origins_lost':[7]}]}",
			false);

	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.out,
		"\n\norigins lost: o:80 of a is out for n1, "
		"p:81 of b is down for n1, - of - is - for n3\n"));
}

static void
test_moves(void **state)
{
	struct said said = status(HEAD
		"{'name':'n1','up':true,'counters':{'given':1000},"
		"'handoff':{'stayed':{'late':1,'unread':0,'lost':2}}},"
		"{'name':'n2','up':true,'counters':{'given':5},"
		"'handoff':{'stayed':{'late':1,'lost':'x'}}},"
		"{'name':'n3','up':true,'handoff':7}]}",
		false);

	assert_int_equal(said.status, 0);
	assert_non_null(strstr(said.out,
		"\n\nconnections moved: 1,005; stayed: late 2, lost 2\n"));
}

static void
test_balancer(void **state)
{
	struct said said = status(balancer_doc, false);

	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, balancer_text);
}

static void
test_json(void **state)
{
	own_free char *answer = json(cluster_doc);
	struct said said = status(cluster_doc, true);
	json_t *sent = json_loads(answer, 0, NULL);
	json_t *shown = json_loads(said.out, 0, NULL);

	assert_int_equal(said.status, 0);
	assert_non_null(sent);
	assert_true(json_equal(sent, shown));
	assert_non_null(strstr(said.out, "\n  \"role\": \"node\",\n"));
	json_decref(sent);
	json_decref(shown);
}

static void
assert_width(const char *text, size_t most)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		assert_true((size_t)(end - text) <= most);
}

static void
test_wide(void **state)
{
	static const char name[] = "a-name-that-is-longer-than-its-column";
	json_t *counters = json_object(), *nodes = json_array(), *doc;
	static const char *const names[] = {"requests", "local", "relayed",
		"served", "hits", "objects", "cache_bytes", "client_bytes",
		"peer_bytes", "origin_bytes", "errors"};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(counters, names[i], json_integer(999999));
	json_object_set_new(counters, "local", json_integer(888888));
	json_array_append_new(nodes,
		json_pack("{ss sb sO}", "name", name, "up", 1, "counters",
			counters));
	json_array_append_new(nodes,
		json_pack("{ss sb so}", "name", "n2", "up", 1, "counters",
			counters));
	doc = json_pack("{ss so}", "role", "node", "nodes", nodes);
	assert_int_equal(status_text(doc, false, &b), 0);
	buf_append(&b, "", 1);
	assert_width(buf_head(&b), 100);
	assert_non_null(strstr(buf_head(&b), "\na-name-that-is-~  up "));
	assert_non_null(strstr(buf_head(&b), "  88.9%  999,999  100%  "));
	assert_non_null(strstr(buf_head(&b),
		"\n\nerrors: a-name-that-is-longer-than-its-column 999,999, "
		"n2 999,999\n"));
	json_decref(doc);
	buf_fini(&b);
}

static void
test_colour(void **state)
{
	own_free char *text = json(cluster_doc);
	json_t *doc = json_loads(text, 0, NULL);
	struct buf b = {0};

	assert_int_equal(status_text(doc, true, &b), 0);
	buf_append(&b, "", 1);
	assert_non_null(strstr(buf_head(&b), "n1     \x1b[32mup\x1b[0m     "));
	assert_non_null(strstr(buf_head(&b), "n2     \x1b[1;31mdown\x1b[0m\n"));
	json_decref(doc);
	buf_fini(&b);
}

static void
test_bad_answers(void **state)
{
	static const struct {
		const char *answer, *said;
	} cases[] = {
		{"", "did not answer in JSON"},
		{"{'role':'node'", "did not answer in JSON"},
		{"[1,2]", "of another version"},
		{"{'role':'node','nodes':7}", "of another version"},
		{"{'role':'cook','nodes':[]}", "of another version"},
		{"{'error':'no command x'}", "the answer is: no command x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct said said = status(cases[i].answer, false);

		assert_int_equal(said.status, 1);
		assert_string_equal(said.out, "");
		assert_non_null(strstr(said.err, cases[i].said));
	}
	/* members of other types than ours harm nobody */
	assert_int_equal(status("{'role':'node','nodes':[1,{'name':2,"
				"'counters':[]},null],'vip':{}}",
				 false)
				 .status,
		0);
}

static void
test_nobody(void **state)
{
	struct test_server s;
	char *argv[] = {"status", "--socket", s.path, NULL};
	char *extra[] = {"status", "n1", NULL};
	char *help[] = {"status", "--help", NULL};
	struct said said;

	test_server_start(&s, "n1.sock", "{}");
	test_server_stop(&s);
	said = run_verb(verb_status, 3, argv);
	assert_int_equal(said.status, 1);
	assert_non_null(strstr(said.err, "nobody listens there any more"));
	test_server_remove(&s);
	said = run_verb(verb_status, 3, argv);
	assert_int_equal(said.status, 1);
	assert_non_null(strstr(said.err, "No such file or directory"));
	assert_int_equal(run_verb(verb_status, 2, extra).status, 2);
	assert_int_equal(run_verb(verb_status, 2, help).status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_origins_lost),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_balancer),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
