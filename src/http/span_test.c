#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/span.h"

static const struct {
	const char *name;
	size_t (*span)(struct str, size_t);
	unsigned class;
} spans[] = {
	{"text", span_text, CHAR_TEXT},
	{"visible", span_visible, CHAR_VISIBLE},
	{"name", span_name, CHAR_NAME},
	{"plain", span_plain, CHAR_PLAIN},
	{"token", span_token, CHAR_TOKEN},
};

enum { SPANS = sizeof(spans) / sizeof(spans[0]) };

/* From a few places on: in the first step, behind it, at the end. */
static void
check(unsigned which, struct str s)
{
	const size_t starts[] = {0, s.n / 2, s.n};

	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t at = starts[i];
		size_t want = at +
			char_span(
				str_of(s.p + at, s.n - at), spans[which].class);
		size_t n = spans[which].span(s, at);

		if (n != want)
			fail_msg("%s: from %zu to %zu of %zu instead of %zu",
				spans[which].name, at, n, s.n, want);
	}
}

/* Every byte at every place of slices up to four steps long, which end where
 * their memory ends. */
static void
test_each_byte(void **state)
{
	for (size_t n = 0; n <= 64; n++) {
		char *p = xmalloc(n ? n : 1);

		memset(p, 'a', n);
		for (size_t at = 0; at < n; at++)
			for (unsigned c = 0; c < 256; c++) {
				p[at] = (char)c;
				for (unsigned i = 0; i < SPANS; i++)
					check(i, str_of(p, n));
				p[at] = 'a';
			}
		free(p);
	}
}

/* Runs of bytes of the class, of any length and with any byte behind them. */
static void
test_random(void **state)
{
	unsigned seed = 7;

	for (unsigned round = 0; round < 30000; round++) {
		size_t n = (size_t)rand_r(&seed) % 100;
		unsigned which = round % SPANS;
		char *p = xmalloc(n ? n : 1);

		for (size_t i = 0; i < n; i++)
			do
				p[i] = (char)rand_r(&seed);
			while (!char_is(p[i], spans[which].class) &&
				rand_r(&seed) % 64);
		check(which, str_of(p, n));
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
