#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/glob.h"

static const struct {
	const char *pattern, *text;
	bool matches, folded;
} cases[] = {
	{"", "", true, true},
	{"", "a", false, false},
	{"*", "", true, true},
	{"*", "anything", true, true},
	{"?", "", false, false},
	{"?", "a", true, true},
	{"a", "A", false, true},
	{"*.jpg", "/x/y.jpg", true, true},
	{"*.jpg", "/x/y.JPG", false, true},
	{"*.jpg", "/x/y.jpgx", false, false},
	{"*.jpg", ".jpg.jpg", true, true},
	{"/a/*/c", "/a/b/c", true, true},
	{"/a/*/c", "/a//c", true, true},
	{"/a/*/c", "/a/c", false, false},
	{"a*b*c", "a-b-b-c", true, true},
	{"a*b*c", "a-c-b", false, false},
	{"a**", "a", true, true},
	{"?*?", "a", false, false},
	{"?*?", "ab", true, true},
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str p = str_z(cases[i].pattern);
		struct str s = str_z(cases[i].text);

		if (glob_matches(p, s, false) != cases[i].matches ||
			glob_matches(p, s, true) != cases[i].folded)
			fail_msg("%s %s", cases[i].pattern, cases[i].text);
	}
}

/* It takes no exponential time. */
static void
test_stars(void **state)
{
	char pattern[400], text[4000];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? '*' : 'a';
	memset(text, 'a', sizeof(text));
	pattern[sizeof(pattern) - 1] = 'b';
	assert_false(glob_matches(str_of(pattern, sizeof(pattern)),
		str_of(text, sizeof(text)), false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_stars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
