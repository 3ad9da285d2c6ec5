/* The demo's claims, with facts that are right, and wrong in one way each. */
#include "prog/demo_claims.h"

#include "bench/tree.h"
#include "prog/demo_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { FILES = 4, NODES = 2 };

static struct tree_file files[FILES] = {
	{"/a", "aaa", 3}, {"/b", "bb", 2}, {"/c", "c", 1}, {"/d", NULL, 0}};
static struct tree tree;
static struct demo_client client;
static struct demo_node nodes[NODES];
static unsigned fetches[FILES];
static struct demo_facts facts;

/* n1 owns a, b and c; n2 owns d; 4 requests in the visit, 6 in the crowd. */
static void
make_it_right(void)
{
	tree = (struct tree){.files = files, .n = FILES, .bytes = 6};
	client = (struct demo_client){
		.tally = {.nodes = {{"n2", 4, 1, 2, 1}, {"n1", 6, 5, 8, 5}},
			.nnodes = 2,
			.owners = {2, 2, 2, 1}},
		.visit = {.outcomes[LOAD_RIGHT] = 4, .received_bytes = 1000},
		.crowd = {.outcomes[LOAD_RIGHT] = 6, .received_bytes = 2000},
	};
	nodes[0] = (struct demo_node){.name = "n1",
		.requests = 6,
		.local = 5,
		.relayed = 1,
		.served = 8,
		.hits = 4,
		.coalesced = 1,
		.client_bytes = 1800,
		.origin_fetches = 3,
		.objects = 3,
		.cache_bytes = 300};
	nodes[1] = (struct demo_node){.name = "n2",
		.requests = 4,
		.local = 1,
		.relayed = 3,
		.served = 2,
		.hits = 1,
		.client_bytes = 1200,
		.origin_fetches = 1,
		.objects = 1,
		.cache_bytes = 100};
	for (unsigned i = 0; i < FILES; i++)
		fetches[i] = 1;
	facts = (struct demo_facts){
		.tree = &tree,
		.client = &client,
		.policy = &policy_hrw,
		.nodes = nodes,
		.nnodes = NODES,
		.fetches = fetches,
		.links = {.client = {90000000, 60000, 3000000, 40000},
			.balancer = {3000100, 40050, 3000100, 40050}},
	};
}

/* The number of claims that are untrue; all claims must be there. */
static unsigned
untrue(void)
{
	struct buf out = {0};
	unsigned n = 0, lines = 0;
	bool all = demo_claims(&facts, false, &out);
	struct str rest = buf_view(&out), line;

	while (str_split(&rest, '\n', &line) && line.n > 0) {
		lines++;
		n += str_starts(line, STR("  UNTRUE  "));
		if (!str_starts(line, STR("  UNTRUE  ")))
			assert_true(str_starts(line, STR("  true    ")));
	}
	assert_int_equal(lines, 5);
	assert_int_equal(all, n == 0);
	buf_fini(&out);
	return n;
}

static void
right_facts_make_true_claims(void **state)
{
	make_it_right();
	assert_int_equal(untrue(), 0);
}

#define WRONG(change)                          \
	do {                                   \
		make_it_right();               \
		change;                        \
		assert_int_equal(untrue(), 1); \
	} while (0)

static void
each_wrong_fact_makes_its_claim_untrue(void **state)
{
	/* answers */
	WRONG(client.crowd.outcomes[LOAD_BYTES]++);
	WRONG(client.visit.outcomes[LOAD_RESET]++);
	WRONG(client.visit.outcomes[LOAD_RIGHT]--);
	WRONG(client.crowd.outcomes[LOAD_RIGHT] = 0);
	/* fetches */
	WRONG(fetches[2] = 2);
	WRONG(fetches[2] = 0);
	WRONG(facts.odd_fetches = 1);
	WRONG(nodes[0].origin_fetches = 4);
	/* copies */
	WRONG(nodes[1].objects = 2);
	WRONG(nodes[1].objects = 0);
	WRONG(client.tally.owners[0] = 0);
	/* links */
	WRONG(facts.links.balancer.to_host_bytes = 4000000);
	WRONG(facts.links.balancer.from_host_bytes = 60000000);
	WRONG(facts.links.balancer.to_host_frames = 30000);
	WRONG(nodes[0].told = 10000);
	WRONG(facts.links.balancer.from_host_frames = 30000);
	WRONG(facts.links.client.to_host_bytes = 2999);
	/* figures */
	WRONG(nodes[0].requests++);
	WRONG(nodes[0].local--);
	WRONG(nodes[1].served++);
	WRONG(nodes[1].hits++);
	WRONG(nodes[0].coalesced--);
	WRONG(nodes[1].client_bytes--);
	WRONG(client.tally.untold = 1);
	WRONG(nodes[1].requests = 0);
}

static void
hot_objects_may_be_held_twice(void **state)
{
	make_it_right();
	client.tally.owners[0] = 3;
	nodes[1].objects = 2;
	assert_int_equal(untrue(), 0);
	client.tally.owners[1] = 3;
	nodes[1].objects = 3; /* of four */
	assert_int_equal(untrue(), 1);
}

static void
who_is_busy_may_hold_what_it_only_lent(void **state)
{
	make_it_right();
	client.tally.owners[3] = 2; /* n1 answered in n2's place */
	assert_int_equal(untrue(), 1);
	nodes[1].lent = 1;
	assert_int_equal(untrue(), 0);
}

static void
under_rr_each_node_may_fetch_and_hold(void **state)
{
	make_it_right();
	facts.policy = &policy_rr;
	fetches[0] = 2;
	nodes[1].origin_fetches = 2;
	nodes[1].objects = 2;
	client.tally.owners[0] = 3;
	assert_int_equal(untrue(), 0);
	fetches[0] = 3;
	nodes[1].origin_fetches = 3;
	assert_int_equal(untrue(), 1);
}

static void
the_table_has_a_row_per_node_and_a_total(void **state)
{
	struct buf out = {0};

	make_it_right();
	demo_table(&facts, false, &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), "\nn1 "));
	assert_non_null(strstr(buf_head(&out), "\nn2 "));
	const char *total = strstr(buf_head(&out), "\ntotal ");
	assert_non_null(total);
	unsigned requests, local, relayed, served;
	assert_int_equal(sscanf(total, "\ntotal %u %u %u %u", &requests, &local,
				 &relayed, &served),
		4);
	assert_int_equal(requests, 10);
	assert_int_equal(local, 6);
	assert_int_equal(relayed, 4);
	assert_int_equal(served, 10);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_facts_make_true_claims),
		cmocka_unit_test(each_wrong_fact_makes_its_claim_untrue),
		cmocka_unit_test(hot_objects_may_be_held_twice),
		cmocka_unit_test(who_is_busy_may_hold_what_it_only_lent),
		cmocka_unit_test(under_rr_each_node_may_fetch_and_hold),
		cmocka_unit_test(the_table_has_a_row_per_node_and_a_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
