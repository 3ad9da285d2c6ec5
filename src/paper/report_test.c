/* What is said of results: figures, claims, grids, charts, the whole. */
#include "paper/report.h"

#include "base/mem.h"
#include "lab/arch.h"
#include "paper/chart.h"
#include "paper/claim.h"
#include "paper/gauge.h"
#include "paper/grid.h"
#include "paper/published.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void
the_papers_figures_are_there(void **state)
{
	assert_float_equal(published("surge-100", "distributed", "rr", 16,
				   PUBLISHED_REQUESTS_PER_S),
		2147, 0);
	assert_float_equal(published("surge-100", "distributed", "ht_rr", 16,
				   PUBLISHED_MBIT_PER_S),
		306, 0);
	assert_float_equal(published("berkeley-1998", "conventional", "md5", 16,
				   PUBLISHED_REQUESTS_PER_S),
		767, 0);
	assert_true(isnan(published(
		"surge-100", "sevenfold", "", 16, PUBLISHED_MBIT_PER_S)));
	for (size_t w = 0; w < CELL_WORKLOADS; w++)
		for (size_t p = 0; p < CELL_POLICIES; p++)
			for (unsigned n = 1; n <= 16; n *= 2)
				for (int m = 0; m < 2; m++) {
					const char *load = cell_workloads[w];

					assert_true(
						published(load, "conventional",
							cell_policies[p], n,
							m) > 0);
					assert_true(
						published(load, "distributed",
							cell_policies[p], n,
							m) > 0);
				}
}

/* --- claims --- */

static void
put(struct results *rs, const char *arch, const char *policy, unsigned nodes,
	double mbit, double link)
{
	struct result r = {
		.cell = {arch_find(arch), nodes, policy, "surge-100",
			SCARCE_LINK, 0},
		.limit = LIMIT_LINK,
		.busiest = "n3, sent",
		.f = {.link_mbit = link,
			.mbit_per_s = mbit,
			.requests_per_s = mbit * 5,
			.busiest = .98,
			.copies = 1.2},
	};

	rs->v = xrealloc(rs->v, (rs->n + 1) * sizeof(*rs->v));
	rs->v[rs->n++] = r;
}

static struct claim
find_claim(const struct results *rs, const char *beginning)
{
	for (size_t i = 0; i < claim_count(); i++) {
		struct claim c = claim_judge(rs, i, "surge-100");

		if (str_starts(str_z(c.what), str_z(beginning)))
			return c;
	}
	fail_msg("no claim %s", beginning);
	return (struct claim){0};
}

static void
claims_are_judged(void **state)
{
	struct results rs = {0};
	struct claim c = find_claim(&rs, "conventional is flat: N=16");

	assert_int_equal(c.verdict, VERDICT_UNKNOWN);
	/* the best of either, of what there is: 18.8 / 19 */
	put(&rs, "conventional", "md5", 16, 18.8, 20);
	assert_int_equal(find_claim(&rs, "conventional is flat: N=16").verdict,
		VERDICT_UNKNOWN);
	put(&rs, "conventional", "rr", 4, 12, 20);
	put(&rs, "conventional", "carp", 4, 19, 20);
	c = find_claim(&rs, "conventional is flat: N=16");
	assert_int_equal(c.verdict, VERDICT_HOLDS);
	assert_float_equal(c.ours, 18.8 / 19, 1e-6);
	assert_float_equal(c.paper, 87.0 / 87.0, .02);
	assert_false(c.doubtful);

	put(&rs, "conventional", "md5", 16, 38, 20);
	c = find_claim(&rs, "conventional is flat: N=16");
	assert_int_equal(c.verdict, VERDICT_FAILS);
	rs.v[rs.n - 1].limit = LIMIT_MACHINE;
	assert_true(find_claim(&rs, "conventional is flat: N=16").doubtful);
	results_fini(&rs);
}

static void
links_may_be_slower_with_more_nodes(void **state)
{
	struct results rs = {0};
	struct claim c;

	put(&rs, "layer4", "", 1, 19, 20);
	put(&rs, "sevenfold", "", 16, 152, 10);
	c = find_claim(&rs, "Sevenfold, N=16, by one node");
	assert_float_equal(c.ours, 16, 1e-5);
	assert_int_equal(c.verdict, VERDICT_HOLDS);
	assert_true(isnan(c.paper));
	c = find_claim(&rs, "Sevenfold, N=16: copies");
	assert_int_equal(c.verdict, VERDICT_HOLDS);
	rs.v[1].f.copies = 1.4;
	c = find_claim(&rs, "Sevenfold, N=16: copies");
	assert_int_equal(c.verdict, VERDICT_FAILS);
	results_fini(&rs);
}

/* --- figures from meters --- */

static void
gauges_become_figures(void **state)
{
	struct gauge *a = NEW(struct gauge), *b = NEW(struct gauge);
	static const char *const names[] = {"client", "balancer", "n1", "n2"};
	struct result r = {.f = {.link_mbit = 20}};

	a->nhosts = b->nhosts = 4;
	a->at_ns = 1000000000;
	b->at_ns = 3000000000;
	for (size_t i = 0; i < 4; i++) {
		strcpy(a->hosts[i].name, names[i]);
		b->hosts[i] = a->hosts[i];
		b->hosts[i].at_ns = 2000000000;
	}
	/* two seconds by each host's clock */
	b->hosts[0].link.to_host_bytes = 6000000;
	b->hosts[2].link.from_host_bytes = 5000000;
	b->hosts[3].link.from_host_bytes = 2500000;
	b->hosts[2].stats = (struct lab_stats){
		.requests = 300, .objects = 90, .cpu_ns = 1000000000};
	b->hosts[3].stats = (struct lab_stats){.requests = 100, .objects = 40};
	b->play.targets = 100;
	b->play.load.outcomes[LOAD_RIGHT] = 400;
	b->play.load.outcomes[LOAD_STATUS] = 3;
	b->play.load.outcomes[LOAD_TIMEOUT] = 1;
	b->play.relayed = 100;
	b->play.load.received_bytes = 5000000;
	b->fetches = 40;
	gauge_figures(a, b, 200, &r);
	assert_float_equal(r.f.measured_s, 2, 1e-6);
	assert_float_equal(r.f.requests_per_s, 200, 1e-6);
	assert_float_equal(r.f.wrong, 4, 0);
	assert_string_equal(r.wrong, "3 wrong status, 1 timed out");
	assert_float_equal(r.f.relayed, .25, 1e-6);
	assert_float_equal(r.f.mbit_per_s, 20, 1e-6);
	assert_float_equal(r.f.hits, .9, 1e-6);
	assert_float_equal(r.f.copies, 1.3, 1e-6);
	assert_float_equal(r.f.balance, 1.5, 1e-6);
	assert_float_equal(r.f.sent_balance, 4.0 / 3, 1e-6);
	assert_float_equal(r.f.busiest, 1, 1e-6);
	assert_string_equal(r.busiest, "n1, sent");
	assert_float_equal(r.f.nodes_sent, .75, 1e-6);
	assert_float_equal(r.f.crossing, 30.0 / 24, 1e-6);
	assert_float_equal(r.f.lab_cpu, .5, 1e-6);
	free(a);
	free(b);
}

/* --- the forms --- */

static void
a_grid_is_text_and_html(void **state)
{
	struct buf out = {0};
	struct grid g;

	grid_init(&g, 1, "name|speed");
	grid_cell(&g, "a<b");
	grid_number(&g, 12.345, 1);
	grid_cell(&g, "\xc3\xa9");
	grid_number(&g, NAN, 1);
	grid_markdown(&g, &out);
	buf_append(&out, "", 1);
	assert_string_equal(buf_head(&out),
		"| name | speed |\n"
		"|------|------:|\n"
		"| a<b  |  12.3 |\n"
		"| \xc3\xa9    |     - |\n");
	buf_consume(&out, buf_len(&out));
	grid_html(&g, &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), "<td>a&lt;b</td>"));
	assert_non_null(strstr(buf_head(&out), "<td class=\"n\">12.3</td>"));
	buf_fini(&out);
	grid_fini(&g);
}

static void
a_chart_leaves_gaps(void **state)
{
	const double none[] = {NAN, NAN, NAN, NAN, NAN};
	const double some[] = {1, NAN, 3, NAN, 16};
	struct chart c = {.title = "T", .unit = "u"};
	struct buf out = {0};

	chart_add(&c, "none", 0, false, none);
	chart_html(&c, &out);
	assert_int_equal(buf_len(&out), 0);
	chart_add(&c, "some", 1, false, some);
	chart_html(&c, &out);
	buf_append(&out, "", 1);
	assert_null(strstr(buf_head(&out), "nan"));
	assert_null(strstr(buf_head(&out), "none"));
	assert_non_null(strstr(buf_head(&out), "some"));
	buf_fini(&out);
	chart_fini(&c);
	assert_float_equal(chart_step(16), 5, 1e-6);
	assert_float_equal(chart_step(5), 1, 1e-6);
	assert_float_equal(chart_step(0.9), 0.2, 1e-6);
	assert_float_equal(chart_step(384), 100, 1e-6);
}

static void
a_report_has_it_all(void **state)
{
	struct results rs = {0};
	struct buf out = {0};

	put(&rs, "distributed", "rr", 16, 76.8, 20);
	put(&rs, "distributed", "rr", 1, 19, 20);
	put(&rs, "conventional", "rr", 16, 19.2, 20);
	report_markdown(&rs, &out);
	buf_append(&out, "", 1);
	/* 100 Mbit/s links: 384 by them, as in the paper's */
	assert_non_null(strstr(buf_head(&out), "384 (384)"));
	assert_non_null(strstr(buf_head(&out), "distributed rr 16 surge-100"));
	assert_non_null(strstr(buf_head(&out), "not measured"));
	/* 2147 by 485 in the paper */
	assert_non_null(strstr(buf_head(&out), "+300 (+343)"));
	assert_null(strstr(buf_head(&out), "unc-2001,"));
	buf_consume(&out, buf_len(&out));
	report_html(&rs, &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), "384 (384)"));
	assert_non_null(strstr(buf_head(&out), "class=\"line c2 dashed\""));
	assert_null(strstr(buf_head(&out), "nan"));
	buf_consume(&out, buf_len(&out));
	report_csv(&rs, &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), "\ndistributed,rr,16,"));
	buf_fini(&out);
	results_fini(&rs);
}

/* Why it is no more: 16 links, by what they were used for. */
static void
a_story_adds_up(void **state)
{
	struct result r = {.cell = {arch_find("sevenfold"), 16, "", "surge-100",
				   SCARCE_LINK, 0},
		.limit = LIMIT_LINK,
		.busiest = "n2, sent",
		.f = {.link_mbit = 10,
			.nodes_sent = .9,
			.sent_balance = 1.1,
			.crossing = 1.125,
			.copies = 1.25,
			.hits = 1,
			.busiest = 1},
		.hosts = {{.name = "client", .from_mbit = 1},
			{.name = "balancer", .from_mbit = 2},
			{.name = "n1", .from_mbit = 8.1},
			{.name = "n2", .from_mbit = 9.9}},
		.nhosts = 4};
	struct buf out = {0};

	claim_story(&r, &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), ", 1.25 copies"));
	assert_non_null(strstr(buf_head(&out),
		"Of 16 links of nodes, 12.80 carried what clients received, "
		"1.60 what nodes tell"));
	assert_non_null(strstr(buf_head(&out),
		" 1.60 nothing (the least used is n1's, 81 %)"));
	buf_fini(&out);
	r.cell.arch = arch_find("conventional");
	out = (struct buf){0};
	claim_story(&r, &out);
	buf_append(&out, "", 1);
	assert_null(strstr(buf_head(&out), "links of nodes"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_story_adds_up),
		cmocka_unit_test(the_papers_figures_are_there),
		cmocka_unit_test(claims_are_judged),
		cmocka_unit_test(links_may_be_slower_with_more_nodes),
		cmocka_unit_test(gauges_become_figures),
		cmocka_unit_test(a_grid_is_text_and_html),
		cmocka_unit_test(a_chart_leaves_gaps),
		cmocka_unit_test(a_report_has_it_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
