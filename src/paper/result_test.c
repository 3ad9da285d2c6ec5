#include "paper/result.h"

#include "lab/arch.h"

#include <math.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct result
sample(void)
{
	struct result r = {
		.cell = {arch_find("distributed"), 16, "ht_rr", "unc-2001",
			SCARCE_LINK, 0},
		.version = "sevenfold 0 (build 0)",
		.setup = "link=20M",
		.when = "2008-08-01T00:00:00Z",
		.limit = LIMIT_LINK,
		.busiest = "n3, sent",
		.wrong = "3 timed out",
		.f = {.link_mbit = 20,
			.requests_per_s = 1234.5,
			.copies = NAN,
			.idle = .5},
		.hosts = {{"client", 300, 3, .5, 0}, {"n1", 1, 19, .25, 77}},
		.nhosts = 2,
	};

	return r;
}

static void
json_tells_all_of_it(void **state)
{
	struct result a = sample(), b = {0};
	json_t *j = result_json(&a);

	assert_true(result_read(j, &b));
	json_decref(j);
	assert_true(cell_equal(&a.cell, &b.cell));
	assert_string_equal(a.version, b.version);
	assert_string_equal(a.setup, b.setup);
	assert_string_equal(a.when, b.when);
	assert_string_equal(a.busiest, b.busiest);
	assert_string_equal(a.wrong, b.wrong);
	assert_int_equal(a.limit, b.limit);
	assert_float_equal(b.f.requests_per_s, 1234.5, 1e-6);
	assert_true(isnan(b.f.copies));
	assert_int_equal(b.nhosts, 2);
	assert_string_equal(b.hosts[1].name, "n1");
	assert_float_equal(b.hosts[1].requests_per_s, 77, 0);
	assert_float_equal(b.hosts[0].to_mbit, 300, 0);
}

static void
other_json_is_no_result(void **state)
{
	static const char *const fields[] = {"arch", "policy", "nodes",
		"workload", "scarce", "rate", "version", "setup", "when",
		"limit", "busiest_link", "wrong_ways"};
	struct result r = sample(), out = {.nhosts = 99};

	assert_false(result_read(NULL, &out));
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		json_t *j = result_json(&r);

		json_object_del(j, fields[i]);
		assert_false(result_read(j, &out));
		json_object_set_new(j, fields[i], json_string("pigeon"));
		if (i < 6 || i == 9)
			assert_false(result_read(j, &out));
		json_decref(j);
	}
	assert_int_equal(out.nhosts, 99);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
	struct result r = sample(), out;
	char name[200];
	json_t *j = result_json(&r);

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	json_object_set_new(json_object_get(j, "hosts"), name,
		json_pack("[f,f,f,f]", 1.0, 1.0, 1.0, 1.0));
	assert_false(result_read(j, &out));
	json_object_set_new(j, "hosts", json_object());
	assert_true(result_read(j, &out));
	json_object_set_new(j, "version", json_string(name));
	assert_false(result_read(j, &out));
	json_decref(j);
}

/* What a run that was interrupted has left, and what goes on from there. */
static void
a_file_is_gone_on_with(void **state)
{
	char path[] = "/tmp/sevenfold-test-XXXXXX";
	struct result a = sample(), b = sample(), c = sample();
	struct results rs = {0};
	size_t bad = 7;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	b.cell.nodes = 8;
	assert_int_equal(results_add(&rs, path, &a), 0);
	/* It is killed while it writes. */
	assert_int_equal(
		pwrite(fd, "{\"arch\":\"dis", 12, lseek(fd, 0, SEEK_END)), 12);
	assert_int_equal(results_add(&rs, path, &b), 0);
	c.f.requests_per_s = 99;
	assert_int_equal(results_add(&rs, path, &c), 0);
	results_fini(&rs);

	assert_int_equal(results_load(&rs, path, &bad), 0);
	assert_int_equal(bad, 1);
	assert_int_equal(rs.n, 3);
	const struct result *last = results_find(&rs, &a.cell, NULL, NULL);
	assert_float_equal(last->f.requests_per_s, 99, 0);
	assert_non_null(results_find(&rs, &b.cell, a.version, a.setup));
	results_fini(&rs);
	close(fd);
	unlink(path);
	assert_int_equal(results_load(&rs, path, &bad), 0);
	assert_int_equal(rs.n, 0);
}

static void
only_the_same_counts_as_done(void **state)
{
	struct result a = sample();
	struct results rs = {&a, 1};
	struct cell other = a.cell;

	assert_non_null(results_find(&rs, &a.cell, a.version, a.setup));
	assert_null(results_find(&rs, &a.cell, "another", a.setup));
	assert_null(results_find(&rs, &a.cell, a.version, "link=10M"));
	other.rate = 10;
	assert_null(results_find(&rs, &other, NULL, NULL));
	other = a.cell;
	other.scarce = SCARCE_TIME;
	assert_null(results_find(&rs, &other, NULL, NULL));
	other = a.cell;
	other.policy = "rr";
	assert_null(results_find(&rs, &other, NULL, NULL));
}

static void
a_limit_is_told_from_figures(void **state)
{
	struct figures f = {
		.busiest = .98, .idle = .4, .steal = .01, .late_p99_ms = .5};

	assert_int_equal(limit_of(&f, false), LIMIT_LINK);
	f.idle = .1;
	assert_int_equal(limit_of(&f, false), LIMIT_LINK_NOISY);
	f.busiest = .7;
	assert_int_equal(limit_of(&f, false), LIMIT_MACHINE);
	assert_int_equal(limit_of(&f, true), LIMIT_TIME_NOISY);
	assert_true(limit_is_doubtful(LIMIT_TIME_NOISY));
	f.idle = .4;
	assert_int_equal(limit_of(&f, false), LIMIT_WAITS);
	assert_int_equal(limit_of(&f, true), LIMIT_TIME);
	f.steal = .06;
	assert_int_equal(limit_of(&f, false), LIMIT_MACHINE);
	f.steal = 0;
	f.late_p99_ms = 2.5;
	assert_int_equal(limit_of(&f, false), LIMIT_MACHINE);
}

static void
slower_links_help_against_our_own_work(void **state)
{
	struct figures f = {.lab_cpu = .2};

	assert_false(result_wants_slower(LIMIT_LINK, &f, 2));
	assert_false(result_wants_slower(LIMIT_WAITS, &f, 2));
	assert_true(result_wants_slower(LIMIT_MACHINE, &f, 2));
	/* The others' work would stay. */
	assert_false(result_wants_slower(LIMIT_LINK_NOISY, &f, 2));
	f.lab_cpu = 1.2;
	assert_true(result_wants_slower(LIMIT_LINK_NOISY, &f, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_tells_all_of_it),
		cmocka_unit_test(other_json_is_no_result),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
		cmocka_unit_test(a_file_is_gone_on_with),
		cmocka_unit_test(only_the_same_counts_as_done),
		cmocka_unit_test(a_limit_is_told_from_figures),
		cmocka_unit_test(slower_links_help_against_our_own_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
