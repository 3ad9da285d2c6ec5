#include "paper/cell.h"

#include "lab/arch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static size_t
count(const char *archs, const char *nodes, const char *policies,
	const char *workloads, const char *scarce)
{
	const struct matrix_choice choice = {
		archs, nodes, policies, workloads, scarce, 0};
	struct matrix m = {0};
	struct str bad;
	size_t n;

	assert_true(matrix_choose(&m, &choice, &bad));
	n = m.n;
	matrix_fini(&m);
	return n;
}

static void
a_matrix_has_all_combinations(void **state)
{
	/* Both of the paper's architectures with its six policies. */
	assert_int_equal(
		count("conventional,distributed", NULL, NULL, NULL, "link"),
		2 * 6 * 5 * 3);
	assert_int_equal(count("sevenfold", NULL, NULL, NULL, "link"), 5 * 3);
	assert_int_equal(count("sevenfold,distributed", "1,16", "rr,ht_rr",
				 "unc-2001", "link,time"),
		(1 + 2) * 2 * 2);
	/* A choice of policies leaves those that have none of them. */
	assert_int_equal(count("layer4", "2", "md5", "surge-100", "link"), 1);
}

static void
what_is_unknown_is_told(void **state)
{
	static const struct matrix_choice wrong[] = {
		{.archs = "distributed,pigeon"},
		{.nodes = "1,3"},
		{.policies = "rr,"},
		{.workloads = "surge"},
		{.scarce = "link,cpu"},
	};
	static const char *const words[] = {"pigeon", "3", "", "surge", "cpu"};

	for (size_t i = 0; i < 5; i++) {
		struct matrix m = {0};
		struct str bad;

		assert_false(matrix_choose(&m, &wrong[i], &bad));
		assert_true(str_eq(bad, str_z(words[i])));
		assert_int_equal(m.n, 0);
	}
}

static void
cells_are_all_different(void **state)
{
	struct matrix m = {0};
	struct str bad;

	assert_true(matrix_choose(&m, &(struct matrix_choice){0}, &bad));
	for (size_t i = 0; i < m.n; i++)
		for (size_t k = 0; k < m.n; k++)
			assert_int_equal(
				cell_equal(&m.cells[i], &m.cells[k]), i == k);
	matrix_fini(&m);
}

static bool
has(const struct matrix *m, const struct cell *c)
{
	for (size_t i = 0; i < m->n; i++)
		if (cell_equal(&m->cells[i], c))
			return true;
	return false;
}

static void
the_quick_ones_are_of_the_matrix(void **state)
{
	struct matrix all = {0}, quick = {0};
	struct str bad;

	assert_true(matrix_choose(&all, &(struct matrix_choice){0}, &bad));
	matrix_quick(&quick);
	assert_in_range(quick.n, 20, 45);
	for (size_t i = 0; i < quick.n; i++)
		assert_true(has(&all, &quick.cells[i]));
	matrix_fini(&all);
	matrix_fini(&quick);
}

static void
a_cell_has_a_name(void **state)
{
	const struct cell a = {arch_find("distributed"), 16, "ht_rr",
		"surge-100", SCARCE_TIME, 0};
	const struct cell b = {
		&arch_sevenfold, 1, "", "unc-2001", SCARCE_LINK, 0};
	char *name = cell_name(&a);

	assert_string_equal(name, "distributed ht_rr 16 surge-100 time");
	free(name);
	name = cell_name(&b);
	assert_string_equal(name, "sevenfold 1 unc-2001 link");
	free(name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_matrix_has_all_combinations),
		cmocka_unit_test(what_is_unknown_is_told),
		cmocka_unit_test(cells_are_all_different),
		cmocka_unit_test(the_quick_ones_are_of_the_matrix),
		cmocka_unit_test(a_cell_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
