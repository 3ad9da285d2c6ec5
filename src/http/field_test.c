#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/char.h"
#include "http/field.h"

static const struct str names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = STR(name),
#include "http/fields.def"
#undef FIELD
};

static enum field_id
look_up(struct str name)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++)
		if (str_ieq(names[id], name))
			return (enum field_id)id;
	return FIELD_OTHER;
}

/* What same_name() rests on. */
static void
test_bytes(void **state)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++)
		for (size_t i = 0; i < names[id].n; i++) {
			char c = char_lower(names[id].p[i]);

			assert_true(c == '-' || char_is_digit(c) ||
				(c >= 'a' && c <= 'z'));
		}
}

/* Each name with each of its bytes replaced by every byte of a token; and
 * shorter by one. */
static void
test_neighbours(void **state)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		struct str name = names[id];
		char copy[64];

		memcpy(copy, name.p, name.n);
		assert_int_equal(field_id_of(name), id);
		assert_int_equal(field_id_of(str_of(copy, name.n - 1)),
			look_up(str_of(copy, name.n - 1)));
		for (size_t i = 0; i < name.n; i++)
			for (unsigned c = 0; c < 256; c++) {
				if (!char_is((char)c, CHAR_TOKEN))
					continue;
				copy[i] = (char)c;
				assert_int_equal(
					field_id_of(str_of(copy, name.n)),
					look_up(str_of(copy, name.n)));
				copy[i] = name.p[i];
			}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
