/* Asking through a unix socket, against one that a thread answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "admin/call.h"
#include "admin/test_server.h"
#include "base/clock.h"
#include "base/own.h"

static void
test_answer(void **state)
{
	own_free char *large = xmalloc(300001);
	struct test_server s;
	struct buf answer = {0};

	memset(large, 'x', 300000);
	large[300000] = 0;
	test_server_start(&s, "n1.sock", large);
	buf_z(&answer, "before ");
	assert_int_equal(admin_call(s.path, "status\n", 5, &answer), 0);
	assert_int_equal(buf_len(&answer), 300007);
	assert_true(str_starts(buf_view(&answer), STR("before xxx")));
	test_server_stop(&s);
	assert_string_equal(s.asked, "status\n");
	test_server_remove(&s);
	buf_fini(&answer);
}

static void
test_nobody(void **state)
{
	char long_path[300];
	struct test_server s;
	struct buf answer = {0};

	test_server_start(&s, "n1.sock", "");
	assert_int_equal(admin_call(s.path, "status\n", 5, &answer), 0);
	assert_int_equal(buf_len(&answer), 0);
	test_server_stop(&s);
	assert_int_equal(
		admin_call(s.path, "status\n", 5, &answer), -ECONNREFUSED);
	test_server_remove(&s);
	assert_int_equal(admin_call(s.path, "status\n", 5, &answer), -ENOENT);
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = 0;
	assert_int_equal(
		admin_call(long_path, "status\n", 5, &answer), -ENAMETOOLONG);
	assert_int_equal(buf_len(&answer), 0);
	buf_fini(&answer);
}

static void
test_silence(void **state)
{
	uint64_t start_ns = clock_mono_ns();
	struct test_server s;
	struct buf answer = {0};

	test_server_start(&s, "n1.sock", NULL);
	assert_int_equal(
		admin_call(s.path, "status\n", 1, &answer), -ETIMEDOUT);
	assert_in_range((clock_mono_ns() - start_ns) / NS_PER_MS, 1000, 5000);
	test_server_stop(&s);
	test_server_remove(&s);
	buf_fini(&answer);
}

/* Which socket of these is asked, or NULL. */
static char *
found_among(const char *const *names, int *r)
{
	char dir[] = "/tmp/sevenfold-find-test-XXXXXX";
	char *path = NULL, *name;

	assert_non_null(mkdtemp(dir));
	for (int i = 0; names[i]; i++) {
		own_free char *file = xasprintf("%s/%s", dir, names[i]);

		close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	*r = admin_find(dir, &path);
	for (int i = 0; names[i]; i++) {
		own_free char *file = xasprintf("%s/%s", dir, names[i]);

		unlink(file);
	}
	rmdir(dir);
	name = path ? xstrdup(strrchr(path, '/') + 1) : NULL;
	free(path);
	return name;
}

static void
test_find(void **state)
{
	static const struct {
		const char *names[5];
		int n;
		const char *found;
	} cases[] = {
		{{"n3.sock", "n3.pid", ".sock"}, 1, "n3.sock"},
		{{"balancer.sock"}, 1, "balancer.sock"},
		{{"n10.sock", "n2.sock", "balancer.sock"}, 3, "n2.sock"},
		{{"balancer.sock", "a.sock"}, 2, "a.sock"},
		{{"a.sock.old"}, -ENOENT, NULL},
		{{NULL}, -ENOENT, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;
		own_free char *found = found_among(cases[i].names, &r);

		assert_int_equal(r, cases[i].n);
		assert_int_equal(!found, !cases[i].found);
		if (found)
			assert_string_equal(found, cases[i].found);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
