/* What is answered by HTTP, and figures in Prometheus's format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admin/metrics.h"
#include "admin/report.h"

static const char *
document(void *ctx, struct str path, struct buf *out)
{
	if (!str_eq(path, STR("/metrics")))
		return NULL;
	buf_z(out, "figures\n");
	return "text/plain";
}

/* The answer, whole. */
static const char *
answer_to(const char *request, struct buf *out)
{
	buf_consume(out, buf_len(out));
	assert_true(report_answer(document, NULL, str_z(request), out));
	buf_append(out, "", 1);
	return buf_head(out);
}

static void
test_answers(void **state)
{
	struct buf out = {0};
	const char *a;

	a = answer_to("GET /metrics?x=1 HTTP/1.1\r\nHost: n1\r\n\r\n", &out);
	assert_non_null(strstr(a, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(a, "Content-Length: 8\r\n"));
	assert_non_null(strstr(a, "\r\n\r\nfigures\n"));
	a = answer_to("HEAD /metrics HTTP/1.0\r\n\r\n", &out);
	assert_non_null(strstr(a, "Content-Length: 8\r\n"));
	assert_null(strstr(a, "figures"));
	a = answer_to("GET /other HTTP/1.1\r\nHost: n1\r\n\r\n", &out);
	assert_non_null(strstr(a, "HTTP/1.1 404 "));
	a = answer_to("POST /metrics HTTP/1.1\r\nHost: n1\r\n\r\n", &out);
	assert_non_null(strstr(a, "HTTP/1.1 405 "));
	a = answer_to("\x16\x03\x01 hello\r\n\r\n", &out);
	assert_non_null(strstr(a, "HTTP/1.1 400 "));
	buf_fini(&out);
}

static void
test_waits_for_all_of_it(void **state)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	struct buf out = {0};

	for (size_t n = 0; n < sizeof(request) - 1; n++)
		assert_false(report_answer(
			document, NULL, str_of(request, n), &out));
	assert_int_equal(buf_len(&out), 0);
	buf_fini(&out);
}

/* Who sends without end is not listened to for ever. */
static void
test_too_long(void **state)
{
	struct buf in = {0}, out = {0};

	buf_z(&in, "GET /metrics HTTP/1.1\r\n");
	while (buf_len(&in) < 9000)
		buf_z(&in, "X: 0123456789\r\n");
	assert_true(report_answer(document, NULL, buf_view(&in), &out));
	assert_true(str_starts(buf_view(&out), STR("HTTP/1.1 400 ")));
	buf_fini(&in);
	buf_fini(&out);
}

static void
test_metrics(void **state)
{
	const char *labels[] = {"name", "a\"b\\c\nd", "why", "e", NULL};
	struct buf out = {0};
	struct metrics m = {.out = &out};

	metrics_family(&m, METRICS_COUNTER, "packets", "as \"they\" came\n");
	metrics_sample(&m, labels, 18014398509481984.);
	metrics_sample(&m, labels + 4, 3);
	metrics_one(&m, METRICS_GAUGE, "load", "now", 0.5);
	buf_append(&out, "", 1);
	assert_string_equal(buf_head(&out),
		"# HELP sevenfold_packets_total as \"they\" came\\n\n"
		"# TYPE sevenfold_packets_total counter\n"
		"sevenfold_packets_total{name=\"a\\\"b\\\\c\\nd\",why=\"e\"} "
		"18014398509481984\n"
		"sevenfold_packets_total 3\n"
		"# HELP sevenfold_load now\n"
		"# TYPE sevenfold_load gauge\n"
		"sevenfold_load 0.5\n");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_waits_for_all_of_it),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
