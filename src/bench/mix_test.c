#include "bench/mix.h"

#include "base/clock.h"
#include "bench/webstone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { DRAWS = 200000 };

static const struct {
	const char *name;
	double mean_bytes, sigma;
} synthetics[] = {
	{"surge-100", 23428, 1.2},
	{"unc-2001", 10546, 1.8},
	{"berkeley-1998", 13969, 1.6},
};

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
the_papers_sets_have_its_mean_sizes(void **state)
{
	for (size_t k = 0; k < 3; k++) {
		struct mix m = {0};
		double logs[100], sorted[100], mean = 0, var = 0;

		assert_true(mix_named(&m, str_z(synthetics[k].name), 1));
		assert_int_equal(m.catalog.nobjects, 100);
		double off = mix_mean_bytes(&m) + MIX_HEAD_BYTES -
			synthetics[k].mean_bytes;
		assert_true(fabs(off) < 1);
		for (unsigned i = 0; i < 100; i++) {
			logs[i] = log((double)m.catalog.objects[i].bytes);
			mean += logs[i] / 100;
			sorted[i] = m.weights[i];
		}
		for (unsigned i = 0; i < 100; i++)
			var += pow(logs[i] - mean, 2) / 100;
		/* percentiles, not draws: the extremes are a bit inside */
		assert_true(fabs(sqrt(var) / synthetics[k].sigma - 1) < 0.02);
		qsort(sorted, 100, sizeof(*sorted), compare);
		for (unsigned i = 1; i < 100; i++)
			assert_true(sorted[i] > sorted[i - 1]);
		mix_fini(&m);
	}
}

static void
files_come_by_their_weights(void **state)
{
	static const char *const names[] = {
		"surge-100", "unc-2001", "berkeley-1998", "webstone"};

	for (size_t k = 0; k < 4; k++) {
		struct mix m = {0};
		double count[100] = {0}, sum = 0, bytes = 0;

		assert_true(mix_named(&m, str_z(names[k]), 11));
		for (unsigned i = 0; i < m.catalog.nobjects; i++)
			sum += m.weights[i];
		for (unsigned i = 0; i < DRAWS; i++) {
			struct play_step step = {0};

			assert_true(mix_order(&m, 0, &step));
			assert_int_equal(step.request.method, METHOD_GET);
			count[step.request.object]++;
			bytes += (double)m.catalog.objects[step.request.object]
					 .bytes;
		}
		for (unsigned i = 0; i < m.catalog.nobjects; i++) {
			double want = DRAWS * m.weights[i] / sum;

			assert_true(fabs(count[i] - want) < 5 * sqrt(want));
		}
		assert_true(fabs(bytes / DRAWS / mix_mean_bytes(&m) - 1) < 0.1);
		mix_fini(&m);
	}
}

static void
webstone_is_the_standard_mix(void **state)
{
	static const struct {
		uint64_t bytes;
		double weight;
	} want[] = {{500, 350}, {5125, 500}, {51250, 140}, {512500, 9},
		{5248000, 1}};
	struct mix m = {0};

	assert_true(mix_named(&m, STR("webstone"), 1));
	assert_int_equal(m.catalog.nobjects, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(m.catalog.objects[i].bytes, want[i].bytes);
		assert_true(m.weights[i] == want[i].weight);
	}
	assert_true(fabs(mix_mean_bytes(&m) - 19773) < 1);
	mix_fini(&m);
	assert_false(mix_named(&m, STR("surge-1000"), 1));
	mix_fini(&m);
}

#define ANY CATALOG_ANY_BYTES

static const struct list_case {
	const char *list;
	unsigned line; /* of the mistake; 0: the whole; -1u: none */
	unsigned files;
	double weight; /* of the last */
	uint64_t bytes;
} lists[] = {
	{"/a 350 #500\n/b\t500\t#5125\n", -1u, 2, 500, 5125},
	{"# a list\n\n  /a 3 #7 seven\r\n", -1u, 1, 3, 7},
	{"/a", -1u, 1, 1, ANY},
	{"/a #9", -1u, 1, 1, 9},
	{"/a 2 #many", -1u, 1, 2, ANY},
	{"/a 2 #", -1u, 1, 2, ANY},
	{"http://h.example/a?b 4", -1u, 1, 4, ANY},
	{"/a 2\n/a 3 #8", -1u, 1, 5, 8},
	{"/a 0\n/b 1", -1u, 2, 1, ANY},
	{"", 0},
	{"# nothing\n", 0},
	{"/a 0", 0},
	{"/a 1\n/b x", 2},
	{"/a 1\n/b -1", 2},
	{"/a 1000001", 1},
	{"/a 1 2", 1},
	{"a 1", 1},
	{"/../a 1", 1},
	{"ftp://h/a 1", 1},
};

static void
lists_are_read_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct list_case *c = &lists[i];
		struct mix_mistake mistake = {0};
		struct mix m = {0};

		print_message("%s\n", c->list);
		bool ok = mix_parse(&m, str_z(c->list), 1, &mistake);
		assert_int_equal(ok, c->line == -1u);
		if (ok) {
			assert_int_equal(m.catalog.nobjects, c->files);
			assert_true(m.weights[c->files - 1] == c->weight);
			assert_int_equal(m.catalog.objects[c->files - 1].bytes,
				c->bytes);
		} else {
			assert_int_equal(mistake.line, c->line);
			assert_non_null(mistake.what);
		}
		mix_fini(&m);
	}
}

static void
metrics_are_webstones(void **state)
{
	static struct load_result r;

	r.elapsed_ns = 10 * NS_PER_S;
	r.outcomes[LOAD_RIGHT] = 90;
	r.outcomes[LOAD_STATUS] = 10;
	r.received_bytes = 10 * 1024 * 1024;
	for (unsigned i = 0; i < 90; i++)
		hist_add(&r.latency_ns, NS_PER_S / 2);
	struct webstone w = webstone_of(&r);
	assert_true(fabs(w.connections_per_s - 9) < 1e-9);
	assert_true(fabs(w.mbit_per_s - 8) < 1e-9);
	assert_true(fabs(w.response_s - 0.5) < 1e-9);
	assert_true(fabs(w.load_factor - 4.5) < 1e-9);
	assert_true(fabs(w.error_percent - 10) < 1e-9);
	r = (struct load_result){0};
	assert_true(webstone_of(&r).mbit_per_s == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_papers_sets_have_its_mean_sizes),
		cmocka_unit_test(files_come_by_their_weights),
		cmocka_unit_test(webstone_is_the_standard_mix),
		cmocka_unit_test(lists_are_read_or_refused),
		cmocka_unit_test(metrics_are_webstones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
