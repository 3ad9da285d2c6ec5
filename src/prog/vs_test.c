/* sevenfold vs, run against a unix socket that a thread answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "admin/test_server.h"
#include "prog/test_verb.h"
#include "prog/verb.h"

/* "sevenfold vs -D -t ADDRESS"; what the balancer got is put in line. */
static struct said
delete_service(const char *address, char line[256])
{
	char *argv[] = {"vs", "-D", "-t", (char *)(uintptr_t)address, NULL};
	struct test_server s;
	struct said said;

	test_server_start(&s, "balancer.sock",
		"{\"status\":3,\"out\":\"o\\n\",\"err\":\"e\\n\"}\n");
	setenv("SEVENFOLD_BALANCER", s.path, 1);
	said = run_verb(verb_vs, 4, argv);
	test_server_stop(&s);
	test_server_remove(&s);
	memcpy(line, s.asked, sizeof(s.asked));
	return said;
}

static void
test_asked(void **state)
{
	char line[256];
	struct said said = delete_service("192.0.2.10:80", line);

	assert_string_equal(
		line, "vs {\"args\":[\"-D\",\"-t\",\"192.0.2.10:80\"]}\n");
	assert_int_equal(said.status, 3);
	assert_string_equal(said.out, "o\n");
	assert_string_equal(said.err, "e\n");
}

/* No word is left out of what is asked. */
static void
test_no_text(void **state)
{
	char line[256];
	struct said said = delete_service("192.0.2.10:80\xff", line);

	assert_string_equal(line, "");
	assert_int_equal(said.status, 2);
	assert_string_equal(said.err, "sevenfold: that is not UTF-8\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
