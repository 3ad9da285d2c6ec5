#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proxy/news.h"

static void
test_there_and_back(void **state)
{
	struct news n = {.number = 1ull << 50,
		.objects = 1ull << 40,
		.load = 77,
		.in = 17.25,
		.link_is_scarce = true,
		.wait_ms = 250,
		.all = {1234.5, 1000.25, 64 * 1024},
		.n = NEWS_KEYS};
	struct news m;
	struct buf b = {0};

	for (size_t i = 0; i < n.n; i++)
		n.keys[i] = (struct demand_key){
			.key = {i * UINT64_C(0x9e3779b97f4a7c15), ~i,
				(uint8_t)(i % 7)},
			.rate = {(double)i / 16, (double)i / 8,
				1024 * (double)i},
			.r = (unsigned)i % 64};
	news_put(&n, &b);
	assert_true(news_parse(buf_view(&b), &m));
	assert_int_equal(m.number, n.number);
	assert_int_equal(m.objects, n.objects);
	assert_int_equal(m.load, n.load);
	assert_true(m.in == n.in && m.link_is_scarce);
	assert_int_equal(m.wait_ms, n.wait_ms);
	assert_memory_equal(&m.all, &n.all, sizeof(n.all));
	assert_int_equal(m.n, n.n);
	for (size_t i = 0; i < n.n; i++) {
		assert_true(m.keys[i].key.hash == n.keys[i].key.hash);
		assert_true(m.keys[i].key.digest == n.keys[i].key.digest);
		assert_int_equal(m.keys[i].key.place, n.keys[i].key.place);
		assert_memory_equal(&m.keys[i].rate, &n.keys[i].rate,
			sizeof(n.keys[i].rate));
		assert_int_equal(m.keys[i].r, n.keys[i].r);
	}
	/* one byte more or less makes no sense */
	for (size_t cut = 0; cut < buf_len(&b); cut++)
		assert_false(news_parse(str_of(buf_head(&b), cut), &m));
	buf_append(&b, "", 1);
	assert_false(news_parse(buf_view(&b), &m));
	buf_fini(&b);
}

static void
test_nonsense(void **state)
{
	/* Of the last byte of each, what is one too many. */
	static const struct str wrong[] = {
		STR("\1\0\0\0\x80\x80\x08\0\0\0\0"), /* wait */
		STR("\1\0\0\0\0\0\0\0\x41"),	     /* keys */
		STR("\1\0\0\0\0\0\0\0\1"
		    "12345678\x82\1\0\0\0\0"),
		/* a digest that is the hash, and should not be there */
		STR("\1\0\0\0\0\0\0\0\1"
		    "12345678\1"
		    "12345678\0\0\0\0"),
	};
	struct news m;

	assert_true(news_parse(STR("\1\0\0\0\1\0\0\0\0"), &m));
	assert_true(news_parse(STR("\1\0\0\0\0\0\0\0\1"
				   "12345678\x80\1\0\0\0\0"),
		&m));
	assert_int_equal(m.keys[0].r, VIEW_MAX_NODES);
	assert_true(m.keys[0].key.digest == m.keys[0].key.hash);
	assert_true(news_parse(STR("\1\0\0\0\0\0\0\0\1"
				   "12345678\1"
				   "12345679\0\0\0\0"),
		&m));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(news_parse(wrong[i], &m));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
