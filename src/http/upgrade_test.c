#include "http/test_head.h"
#include "http/upgrade.h"

static void
test_put(void **state)
{
	static const struct {
		const char *fields, *passed;
	} cases[] = {
		{"Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"},
		{"Connection: x, upgrade\r\nUpgrade: a/1, H2C, b\r\n"
		 "Upgrade: TLS/1.3,HTTP/2.0,c\r\n",
			"a/1, b, c"},
		{"Connection: upgrade\r\nUpgrade: h2c\r\n", ""},
		{"Connection: upgrade\r\nUpgrade: /1, a/, a/1/2, a b\r\n", ""},
		{"Connection: upgrade\r\nUpgrade: a\"\r\nUpgrade: b, c\"\r\n",
			"b"},
		{"Connection: upgrade\r\n", ""},
		{"Upgrade: websocket\r\n", ""},
	};
	struct buf b = {0}, list = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct head h;

		test_request("GET", cases[i].fields, &b, &h);
		upgrade_put(&h, &list);
		if (!str_eq(buf_view(&list), str_z(cases[i].passed)) ||
			upgrade_is_offered(&h) != (*cases[i].passed != '\0'))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_view(&list)));
		buf_consume(&list, buf_len(&list));
	}
	buf_fini(&b);
	buf_fini(&list);
}

static void
test_chosen(void **state)
{
	static const struct {
		const char *fields;
		bool chosen;
	} cases[] = {
		{"Upgrade: WebSocket\r\n", true},
		{"Upgrade: b, websocket\r\n", true},
		{"Upgrade: c\r\n", false},
		{"Upgrade: websocket, c\r\n", false},
		{"Upgrade: h2c\r\n", false},
		{"", false},
	};
	struct buf asked = {0}, b = {0};
	struct head request, response;

	test_request("GET",
		"Connection: upgrade\r\nUpgrade: websocket, b, h2c\r\n", &asked,
		&request);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test_response(101, cases[i].fields, &b, &response);
		if (upgrade_is_chosen(&response, &request) != cases[i].chosen)
			fail_msg("case %zu", i);
	}
	buf_fini(&asked);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
