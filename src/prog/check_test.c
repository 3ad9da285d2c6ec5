/* sevenfold check, run on files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <getopt.h>
#include <string.h>

#include "prog/test_verb.h"
#include "prog/verb.h"

#define RIGHT                                                   \
	"cluster edge { vip 192.0.2.10:80; node n1 10.0.0.11; " \
	"node n2 10.0.0.12 }\nsite a { origin http://10.0.0.2 }\n"

/* The verb, given a file of this text at the end of its arguments. */
static struct said
check(const char *text, char *option)
{
	char path[] = "/tmp/sevenfold-check-test-XXXXXX";
	char *argv[] = {"check", option ? option : path, path, NULL};
	int fd = mkstemp(path);
	struct said said;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	said = run_verb(verb_check, option ? 3 : 2, argv);
	unlink(path);
	return said;
}

static void
test_summary(void **state)
{
	struct said said = check(RIGHT, NULL);

	assert_int_equal(said.status, 0);
	assert_string_equal(said.out,
		"edge: 2 nodes, 1 site, vip 192.0.2.10:80, policy hrw: "
		"no mistakes\n");
	assert_string_equal(said.err, "");
}

static void
test_mistakes(void **state)
{
	struct said said = check("clutser x {}\nsite a {\n", NULL);

	assert_int_equal(said.status, 1);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err,
		":1:1: unknown block `clutser`; did "
		"you mean `cluster`?\n"));
	assert_non_null(strstr(said.err, ":2:8: block without an end"));
}

static void
test_dump(void **state)
{
	struct said first = check(RIGHT, "--dump"), second;

	assert_int_equal(first.status, 0);
	assert_non_null(strstr(first.out, "\tpeer_port          7077\n"));
	second = check(first.out, "--dump");
	assert_string_equal(first.out, second.out);
}

static void
test_usage(void **state)
{
	char *none[] = {"check", NULL};
	char *unknown[] = {"check", "--dmup", "x", NULL};
	char *unreadable[] = {"check", "/nowhere/at/all", NULL};
	char *help[] = {"check", "--help", NULL};

	assert_int_equal(run_verb(verb_check, 1, none).status, 2);
	assert_int_equal(run_verb(verb_check, 3, unknown).status, 2);
	assert_int_equal(run_verb(verb_check, 2, unreadable).status, 2);
	assert_int_equal(run_verb(verb_check, 2, help).status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
