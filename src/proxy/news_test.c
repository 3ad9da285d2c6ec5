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
		.rate = 1234.5,
		.objects = 1ull << 40,
		.load = 77,
		.n = NEWS_KEYS};
	struct news m;
	struct buf b = {0};

	for (size_t i = 0; i < n.n; i++)
		n.keys[i] =
			(struct demand_key){i * UINT64_C(0x9e3779b97f4a7c15),
				(double)i / 16, (unsigned)i % 64};
	news_put(&n, &b);
	assert_true(news_parse(buf_view(&b), &m));
	assert_int_equal(m.number, n.number);
	assert_true(m.rate == n.rate);
	assert_int_equal(m.objects, n.objects);
	assert_int_equal(m.load, n.load);
	assert_int_equal(m.n, n.n);
	for (size_t i = 0; i < n.n; i++) {
		assert_true(m.keys[i].key == n.keys[i].key);
		assert_true(m.keys[i].rate == n.keys[i].rate);
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
test_too_many(void **state)
{
	struct news n = {.n = 1}, m;
	struct buf b = {0};
	char *p;

	news_put(&n, &b);
	p = (char *)(uintptr_t)buf_head(&b);
	p[27] = 2;
	assert_false(news_parse(buf_view(&b), &m));
	p[24] = (char)0xff;
	assert_false(news_parse(buf_view(&b), &m));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
