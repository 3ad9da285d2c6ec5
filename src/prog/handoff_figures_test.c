/* What is said of measured costs of moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "prog/handoff_figures.h"

/* A move costs so much, passing on so much for each KB beside a local answer.
 */
static struct figures
made(double move_us, double relay_us)
{
	struct figures f = {.repair_us = 24};

	for (size_t i = 0; i < FIGURES_SIZES; i++) {
		double kb = (double)figures_sizes[i] / 1024;
		double us[WAYS] = {10, 10 + relay_us * kb, 10 + move_us};

		for (enum way w = LOCAL; w < WAYS; w++) {
			f.fresh[i][w] = (struct cost){.both_us = us[w]};
			f.kept[i][w] = (struct cost){.both_us = us[w]};
			if (i == 0)
				f.crowd[w] = f.fresh[i][w];
		}
	}
	return f;
}

static char *
text_of(const struct figures *f,
	void (*put)(const struct figures *f, struct buf *out))
{
	struct buf b = {0};

	put(f, &b);
	buf_append(&b, "", 1);
	return b.p;
}

static void
assert_says(const struct figures *f, const char *what)
{
	char *text = text_of(f, figures_put_text);

	if (!strstr(text, what))
		fail_msg("no '%s' in: %s", what, text);
	free(text);
}

/* The last line of the JSON. */
static json_t *
summary_of(const struct figures *f)
{
	char *text = text_of(f, figures_put_json), *line, *save = NULL;
	json_t *j = NULL;

	for (line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		json_decref(j);
		j = json_loads(line, 0, NULL);
		assert_non_null(j);
	}
	free(text);
	return j;
}

static void
test_break_even(void **state)
{
	struct figures f = made(50, 1), always = made(0.5, 1);
	json_t *j = summary_of(&f);

	assert_says(&f, "a move costs 50.0 us");
	assert_says(&f, "less than passing on from 50 KB on");
	assert_int_equal(
		json_integer_value(json_object_get(j, "break_even_bytes")),
		50 * 1024);
	json_decref(j);
	assert_says(&always, "less than passing on from 0 KB on");
}

static void
test_never(void **state)
{
	struct figures f = made(50000, 1);
	json_t *j = summary_of(&f);

	assert_says(&f, "costs more than passing on, at any size");
	assert_null(json_object_get(j, "break_even_bytes"));
	json_decref(j);
}

static void
test_wrong(void **state)
{
	struct figures f = made(50, 1);
	char *text = text_of(&f, figures_put_text);

	assert_null(strstr(text, "WRONG"));
	free(text);
	f.kept[3][RELAY].wrong = 2;
	f.crowd[LOCAL].wrong = 1;
	assert_int_equal(figures_wrong(&f), 3);
	assert_says(&f, "3 answers were WRONG");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_break_even),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
