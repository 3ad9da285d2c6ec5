#include "bench/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* logged, sendable (NULL: no such form) */
static const char *targets[][2] = {
	{"/a.gif", "/a.gif"},
	{"/", "/"},
	{"/cgi?a=b&c=%2B+d", "/cgi?a=b&c=%2B+d"},
	{"//a//b", "//a//b"},
	{"/a/../b/./c", "/a/../b/./c"},
	{"/a b\\\"<#>", "/a%20b%5C%22%3C%23%3E"},
	{"/100%", "/100%25"},
	{"/100%zz%4", "/100%25zz%254"},
	{"/\xe9", "/%E9"},
	{"http://h.example:80/a?b", "/a?b"},
	{"https://h.example/a", "/a"},
	{"/?..", "/?.."},
	{"/...", "/..."},
	{"/..a", "/..a"},
	{"", NULL},
	{"*", NULL},
	{"a.gif", NULL},
	{"http://h.example", NULL},
	{"ftp://h.example/", NULL},
	{"/..", NULL},
	{"/../a", NULL},
	{"/a/../../b", NULL},
	{"/%2e%2E/etc/passwd", NULL},
	{"/a%2f..%2f../b", NULL},
	{"/a%00", NULL},
};

static void
targets_are_made_sendable_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		const char *want = targets[i][1];
		struct buf out = {0};

		print_message("%s\n", targets[i][0]);
		assert_int_equal(target_sendable(str_z(targets[i][0]), &out),
			want != NULL);
		assert_true(str_eq(buf_view(&out), str_z(want ? want : "")));
		buf_fini(&out);
	}
}

static void
a_target_too_long_is_refused(void **state)
{
	char z[TARGET_MAX + 1];
	struct buf out = {0};

	memset(z, '/', sizeof(z));
	assert_false(target_sendable(str_of(z, sizeof(z)), &out));
	assert_true(target_sendable(str_of(z, sizeof(z) - 1), &out));
	buf_fini(&out);
}

/* server, logged, sendable (NULL: no such form) */
static const char *of_servers[][3] = {
	{"", "http://h.example/a.gif?b c", "/h.example/a.gif?b%20c"},
	{"", "http://h.example:8080/", "/h.example:8080/"},
	{"", "http://h.example", "/h.example/"},
	{"", "https://h.example/a", "/h.example/a"},
	{"207.36.205.194", "9168504434183313441..gif",
		"/207.36.205.194/9168504434183313441..gif"},
	{"207.36.205.194", "/a", "/207.36.205.194/a"},
	{"207.36.205.194", "http://h/a", "/h/a"},
	{"", "/a", NULL},
	{"", "http:///a", NULL},
	{"", "http://../a", NULL},
	{"", "http://h/../a", NULL},
	{"", "http://h/..", NULL},
	{"1.2.3.4", "..", NULL},
	{"1.2.3.4", "%2e%2e/a", NULL},
	{"", "http://u@h/a", NULL},
	{"", "http://h?a", NULL},
	{"", "http://h h/a", NULL},
	{"", "http://h%2f../a", NULL},
	{"", "ftp://h/a", NULL},
	{"", "h.example:443", NULL},
};

static void
what_many_servers_have_keeps_its_server(void **state)
{
	for (size_t i = 0; i < sizeof(of_servers) / sizeof(*of_servers); i++) {
		const char *const *c = of_servers[i];
		struct buf out = {0};

		print_message("%s %s\n", c[0], c[1]);
		assert_int_equal(
			target_of_server(str_z(c[0]), str_z(c[1]), &out),
			c[2] != NULL);
		assert_true(str_eq(buf_view(&out), str_z(c[2] ? c[2] : "")));
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_made_sendable_or_refused),
		cmocka_unit_test(a_target_too_long_is_refused),
		cmocka_unit_test(what_many_servers_have_keeps_its_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
