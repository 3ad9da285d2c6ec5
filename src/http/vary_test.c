#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/test_head.h"
#include "http/vary.h"

static void
test_selector(void **state)
{
	static const struct {
		const char *vary, *request, *selector;
	} cases[] = {
		{"", "X: 1\r\n", ""},
		{"Vary: \r\n", "X: 1\r\n", ""},
		{"Vary: X\r\n", "x: Ab C\r\n", "x:Ab C\n"},
		{"Vary: X\r\n", "", "x\n"},
		{"Vary: X\r\n", "X:\r\n", "x:\n"},
		{"Vary: Y, x,y\r\nvary: A\r\n", "X: 1\r\nY: 2\r\n",
			"a\nx:1\ny:2\n"},
		{"Vary: X-Y, X\r\n", "", "x\nx-y\n"},
		{"Vary: X\r\n", "X: a ,b\r\nY: z\r\nX: c\r\n", "x:a,b,c\n"},
		{"Vary: X\r\n", "X: \"a , b\"  ,c\r\n", "x:\"a , b\",c\n"},
		{"Vary: Accept\r\n", "Accept: Text/HTML; Q=0.5 , */*\r\n",
			"accept:text/html;q=0.5,*/*\n"},
		{"Vary: Accept\r\n", "Accept: a/b;c=\"D  E\" , f/g\r\n",
			"accept:a/b;c=\"D  E\",f/g\n"},
		{"Vary: Accept-Language\r\n", "Accept-Language: de-DE,\ten\r\n",
			"accept-language:de-de,en\n"},
		{"Vary: Accept-Charset\r\n", "Accept-Charset: UTF-8\r\n",
			"accept-charset:utf-8\n"},
		{"Vary: Host, X-Forwarded-Host, X-Forwarded-Proto\r\n",
			"X-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\n",
			"host\nx-forwarded-host\nx-forwarded-proto\n"},
	};
	struct buf b = {0}, c = {0}, out = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head request, response;

		test_request("GET", cases[i].request, &b, &request);
		test_response(200, cases[i].vary, &c, &response);
		buf_consume(&out, buf_len(&out));
		assert_true(vary_make(&request, &response, &out));
		if (!str_eq(buf_view(&out), str_z(cases[i].selector)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&out)));
		assert_true(vary_matches(buf_view(&out), &request));
	}
	buf_fini(&out);
	buf_fini(&c);
	buf_fini(&b);
}

static void
test_unselectable(void **state)
{
	struct buf b = {0}, c = {0}, many = {0}, out = {0};
	struct head request, response;

	test_request("GET", "", &b, &request);
	test_response(200, "Vary: *\r\n", &c, &response);
	assert_false(vary_make(&request, &response, &out));
	test_response(200, "Vary: a, *\r\n", &c, &response);
	assert_false(vary_make(&request, &response, &out));
	test_response(200, "Vary: a, x-forwarded-For\r\n", &c, &response);
	assert_false(vary_make(&request, &response, &out));
	test_response(200, "Vary: Forwarded\r\n", &c, &response);
	assert_false(vary_make(&request, &response, &out));
	test_response(200, "Vary: a b\r\n", &c, &response);
	assert_false(vary_make(&request, &response, &out));
	buf_z(&many, "Vary: a");
	for (unsigned i = 1; i < VARY_MAX_NAMES; i++)
		buf_printf(&many, ", a%u, A", i);
	buf_append(&many, "\r\n", 3);
	test_response(200, buf_head(&many), &c, &response);
	assert_true(vary_make(&request, &response, &out));
	buf_consume(&out, buf_len(&out));
	memcpy(buf_head(&many) + buf_len(&many) - 4, "b", 1); /* the last A */
	test_response(200, buf_head(&many), &c, &response);
	assert_false(vary_make(&request, &response, &out));
	assert_int_equal(buf_len(&out), 0);
	buf_fini(&out);
	buf_fini(&many);
	buf_fini(&c);
	buf_fini(&b);
}

/* Both heads are within their limits; it is kept with each response. */
static void
test_too_long(void **state)
{
	struct buf b = {0}, c = {0}, fields = {0}, out = {0};
	struct head request, response;

	buf_printf(&fields, "X: %030000u\r\n", 0);
	buf_append(&fields, "", 1);
	test_request("GET", buf_head(&fields), &b, &request);
	test_response(200, "Vary: X\r\n", &c, &response);
	buf_str(&out, STR("before"));
	assert_true(vary_make(&request, &response, &out));
	buf_truncate(&out, 6);
	buf_consume(&fields, buf_len(&fields));
	buf_printf(&fields, "Vary: X, y%03000u\r\n", 0);
	buf_append(&fields, "", 1);
	test_response(200, buf_head(&fields), &c, &response);
	assert_false(vary_make(&request, &response, &out));
	assert_true(str_eq(buf_view(&out), STR("before")));
	buf_fini(&out);
	buf_fini(&fields);
	buf_fini(&c);
	buf_fini(&b);
}

static void
test_matches(void **state)
{
	static const struct {
		struct str selector;
		const char *request;
		bool matches;
	} cases[] = {
		{STR(""), "X: 1\r\n", true},
		{STR("x:1\n"), "X: 1\r\n", true},
		{STR("x:1\n"), "X: 2\r\n", false},
		{STR("x:1\n"), "X: 11\r\n", false},
		{STR("x:11\n"), "X: 1\r\n", false},
		{STR("x:1\n"), "", false},
		{STR("x\n"), "", true},
		{STR("x\n"), "X:\r\n", false},
		{STR("x:\n"), "X:\r\n", true},
		{STR("x:\n"), "", false},
		{STR("x:a\n"), "X: A\r\n", false},
		{STR("x:1\ny:2\n"), "Y: 2\r\nX: 1\r\n", true},
		{STR("x:1\ny:2\n"), "Y: 3\r\nX: 1\r\n", false},
		{STR("x:1,2\n"), "X: 1\r\nX: 2\r\n", true},
		{STR("x:1,2\n"), "X: 2\r\nX: 1\r\n", false},
		{STR("accept:a/b\n"), "Accept: A/B\r\n", true},
		/* no selectors */
		{STR("x:1"), "X: 1\r\n", false},
		{STR(":1\n"), "X: 1\r\n", false},
		{STR("\n"), "X: 1\r\n", false},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_request("GET", cases[i].request, &b, &h);
		if (vary_matches(cases[i].selector, &h) != cases[i].matches)
			fail_msg("case %zu", i);
	}
	buf_fini(&b);
}

static void
test_codings(void **state)
{
	static const struct {
		const char *value, *selector;
	} cases[] = {
		{"", ""},
		{"gzip, deflate, br", "br,deflate,gzip"},
		{"BR;q=1.0, deflate;q=0.5 , gzip ; q=0.001", "br,deflate,gzip"},
		{"gzip, x-gzip, GZIP;q=0.5", "gzip"},
		{"x-compress", "compress"},
		{"gzip;q=0, br", "br"},
		{"gzip;q=0.000", ""},
		{"identity", ""},
		{"gzip, identity;q=0.5", "gzip"},
		{"gzip, identity;q=0", "gzip,!identity"},
		{"*", "*"},
		{"*, gzip", "*,gzip"},
		{"*, gzip;q=0", "*,!gzip"},
		{"*;q=0, gzip;q=0, br", "br,!*"},
		{"*;q=0, identity", "identity,!*"},
		{"unheard-of, gzip", "gzip,unheard-of"},
		/* weights that are none: like nobody else */
		{"gzip;q=", "gzip;q="},
		{"gzip;q=2", "gzip;q=2"},
		{"gzip;q=1.1", "gzip;q=1.1"},
		{"gzip;q=0.0000", "gzip;q=0.0000"},
		{"gzip;q=00", "gzip;q=00"},
		{"gzip;r=0", "gzip;r=0"},
		{"gzip;q", "gzip;q"},
		/* too many to sort */
		{"q,p,o,n,m,l,k,j,i,h,g,f,e,d,c,B;q=0,  a",
			"q,p,o,n,m,l,k,j,i,h,g,f,e,d,c,b;q=0,a"},
	};
	struct buf b = {0}, c = {0}, out = {0}, want = {0}, fields = {0};
	struct head request, response;

	test_response(200, "Vary: Accept-Encoding\r\n", &c, &response);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_consume(&fields, buf_len(&fields));
		buf_printf(&fields, "Accept-Encoding: %s\r\n", cases[i].value);
		buf_append(&fields, "", 1);
		test_request("GET", buf_head(&fields), &b, &request);
		buf_consume(&out, buf_len(&out));
		buf_consume(&want, buf_len(&want));
		buf_printf(&want, "accept-encoding:%s\n", cases[i].selector);
		assert_true(vary_make(&request, &response, &out));
		if (!str_eq(buf_view(&out), buf_view(&want)))
			fail_msg("%s: %.*s", cases[i].value,
				STR_ARG(buf_view(&out)));
		assert_true(vary_matches(buf_view(&out), &request));
	}
	buf_fini(&fields);
	buf_fini(&want);
	buf_fini(&out);
	buf_fini(&c);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selector),
		cmocka_unit_test(test_unselectable),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_codings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
