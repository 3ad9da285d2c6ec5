/* The load client against a server of canned answers, on loopback. */
#include "bench/load.h"

#include "base/clock.h"
#include "net/sock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* Answers each request with the same text, then closes or goes on. */
struct server {
	pthread_t thread;
	int listener;
	uint16_t port;
	const char *answer; /* NULL: never answers */
	bool keep;
	unsigned delay_ms;
	unsigned connections;
	char request[1024]; /* the last head */
};

static bool
read_head(struct server *s, int fd)
{
	size_t n = 0;

	memset(s->request, 0, sizeof(s->request));
	while (!strstr(s->request, "\r\n\r\n")) {
		ssize_t got =
			read(fd, s->request + n, sizeof(s->request) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return true;
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		s->connections++;
		while (read_head(s, fd) && s->answer) {
			usleep(s->delay_ms * 1000);
			(void)send(
				fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
			if (!s->keep)
				break;
		}
		close(fd);
	}
	return NULL;
}

static void
server_start(struct server *s)
{
	struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = loopback};
	assert_int_equal(bind(s->listener, (void *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (void *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
server_stop(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

struct plan {
	unsigned left; /* requests */
	enum method method;
	unsigned heads;
	uint64_t wait_ns;
	bool any;
};

static bool
is_letters(const void *object, uint64_t offset, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.p[i] != "abcde"[offset + i])
			return false;
	return true;
}

static bool
next_request(void *ctx, struct load_request *r)
{
	struct plan *p = ctx;

	if (p->left == 0)
		return false;
	p->left--;
	*r = (struct load_request){
		.method = p->method,
		.host = STR("h.example"),
		.target = STR("/t?q"),
		.status = 200,
		.bytes = 5,
		.verify = is_letters,
		.wait_ns = p->wait_ns,
	};
	if (p->any) {
		r->status = 0;
		r->bytes = LOAD_ANY_BYTES;
		r->verify = NULL;
	}
	return true;
}

static void
on_head(void *ctx, const struct load_request *r, const struct head *h)
{
	((struct plan *)ctx)->heads++;
}

static struct load_result result;

static void
run(struct server *s, struct plan *p, unsigned per_connection)
{
	struct load l = {
		.addr.s_addr = htonl(INADDR_LOOPBACK),
		.connections = 1,
		.per_connection = per_connection,
		.timeout_ns = 300 * NS_PER_MS,
		.next = next_request,
		.on_head = on_head,
		.ctx = p,
	};

	server_start(s);
	l.port = s->port;
	assert_int_equal(load_run(&l, &result), 0);
	server_stop(s);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct answer_case {
	const char *answer;
	enum load_outcome outcome;
	enum method method; /* 0: GET */
} answers[] = {
	{OK "Content-Length: 5\r\n\r\nabcde", LOAD_RIGHT},
	{OK "\r\nabcde", LOAD_RIGHT},
	{CHUNKED "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", LOAD_RIGHT},
	{"HTTP/1.1 103 Early Hints\r\n\r\n" OK "Content-Length: 5\r\n\r\nabcde",
		LOAD_RIGHT},
	{OK "Content-Length: 5\r\n\r\n", LOAD_RIGHT, METHOD_HEAD},
	{OK "Content-Length: 5\r\n\r\nabcde", LOAD_RIGHT, METHOD_POST},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nabcde",
		LOAD_STATUS},
	{"HTTP/1.1 204 No Content\r\n\r\n", LOAD_STATUS},
	{OK "Content-Length: 4\r\n\r\nabcd", LOAD_LENGTH},
	{OK "Content-Length: 6\r\n\r\nabcdef", LOAD_LENGTH},
	{OK "Content-Length: 0\r\n\r\n", LOAD_LENGTH},
	{OK "\r\nabcd", LOAD_LENGTH},
	{CHUNKED "2\r\nab\r\n0\r\n\r\n", LOAD_LENGTH},
	{OK "Content-Length: 6\r\n\r\n", LOAD_LENGTH, METHOD_HEAD},
	{OK "Content-Length: 5\r\n\r\nabcdE", LOAD_BYTES},
	{CHUNKED "2\r\nab\r\n3\r\nCde\r\n0\r\n\r\n", LOAD_BYTES},
	{"hello\r\n\r\n", LOAD_FRAMING},
	{OK "Content-Length: 5\r\n\r\nabcdefg", LOAD_FRAMING},
	{OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
		LOAD_FRAMING},
	{CHUNKED "x\r\nab\r\n0\r\n\r\n", LOAD_FRAMING},
	{OK "Content-Length: 5\r\n\r\nabcde", LOAD_FRAMING, METHOD_HEAD},
	{"", LOAD_RESET},
	{"HTTP/1.1 200 ", LOAD_RESET},
	{OK "Content-Length: 5\r\n\r\nabcd", LOAD_RESET},
	{CHUNKED "2\r\nab\r\n", LOAD_RESET},
	{NULL, LOAD_RESET},
};

static void
every_answer_has_its_outcome(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		const struct answer_case *c = &answers[i];
		struct server s = {.answer = c->answer};
		struct plan p = {2, c->method ? c->method : METHOD_GET};

		print_message("%s\n", c->answer ? c->answer : "(nothing)");
		run(&s, &p, 1);
		assert_int_equal(load_requests(&result), 2);
		assert_int_equal(result.outcomes[c->outcome], 2);
		assert_int_equal(
			load_wrong(&result), c->outcome == LOAD_RIGHT ? 0 : 2);
	}
}

static void
connections_are_kept_or_not(void **state)
{
	struct server s = {
		.answer = OK "Content-Length: 5\r\n\r\nabcde", .keep = true};
	static const struct {
		unsigned per_connection, connections;
	} cases[] = {{0, 1}, {1, 10}, {3, 4}, {10, 1}};

	for (size_t i = 0; i < 4; i++) {
		struct plan p = {10, METHOD_GET};

		s.connections = 0;
		run(&s, &p, cases[i].per_connection);
		assert_int_equal(result.outcomes[LOAD_RIGHT], 10);
		assert_int_equal(result.connections, cases[i].connections);
		assert_int_equal(s.connections, cases[i].connections);
		assert_int_equal(result.statuses[200], 10);
		assert_int_equal(result.body_bytes, 50);
		assert_int_equal(result.received_bytes, 10 * strlen(s.answer));
		assert_int_equal(result.latency_ns.n, 10);
		assert_int_equal(p.heads, 10);
	}
}

static void
requests_are_as_asked(void **state)
{
	struct server s = {.answer = OK "Content-Length: 5\r\n\r\nabcde"};
	struct plan p = {1, METHOD_POST};

	run(&s, &p, 1);
	assert_string_equal(s.request,
		"POST /t?q HTTP/1.1\r\nHost: h.example\r\n"
		"User-Agent: sevenfold-bench\r\n"
		"Cache-Control: no-transform\r\nContent-Length: 0\r\n"
		"Connection: close\r\n\r\n");
}

/* A connection that is accepted by the kernel only, and one to nobody. */
static void
silence_times_out_and_nobody_is_no_connection(void **state)
{
	struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = loopback};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct plan p = {1, METHOD_GET};

	assert_int_equal(bind(fd, (void *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	struct load l = {
		.addr = loopback,
		.port = ntohs(a.sin_port),
		.connections = 4,
		.timeout_ns = 100 * NS_PER_MS,
		.next = next_request,
		.ctx = &p,
	};
	assert_int_equal(load_run(&l, &result), 0);
	assert_int_equal(result.outcomes[LOAD_TIMEOUT], 1);
	close(fd);
	p.left = 2;
	assert_int_equal(load_run(&l, &result), 0);
	assert_int_equal(result.outcomes[LOAD_CONNECT], 2);
	p.left = 0;
	assert_int_equal(load_run(&l, &result), 0);
	assert_int_equal(load_requests(&result), 0);
}

static void
the_time_is_bounded(void **state)
{
	struct server s = {
		.answer = OK "Content-Length: 5\r\n\r\nabcde", .keep = true};
	struct plan p = {UINT32_MAX, METHOD_GET};

	server_start(&s);
	struct load l = {
		.addr.s_addr = htonl(INADDR_LOOPBACK),
		.port = s.port,
		.connections = 1,
		.duration_ns = 100 * NS_PER_MS,
		.next = next_request,
		.ctx = &p,
	};
	assert_int_equal(load_run(&l, &result), 0);
	server_stop(&s);
	assert_true(result.outcomes[LOAD_RIGHT] > 0);
	assert_int_equal(load_wrong(&result), 0);
	assert_true(result.elapsed_ns >= 100 * NS_PER_MS);
	assert_true(p.left > 0);
}

#define GOOD OK "Content-Length: 5\r\n\r\nabcde"

static void
run_open(struct server *s, struct plan *p, double rate, uint64_t duration_ns)
{
	struct load l = {
		.addr.s_addr = htonl(INADDR_LOOPBACK),
		.connections = 1,
		.rate = rate,
		.duration_ns = duration_ns,
		.next = next_request,
		.ctx = p,
	};

	server_start(s);
	l.port = s->port;
	assert_int_equal(load_run(&l, &result), 0);
	server_stop(s);
}

/* A closed loop would tell 50 ms of each of them. */
static void
an_open_loop_counts_the_wait_for_a_connection(void **state)
{
	struct server s = {.answer = GOOD, .keep = true, .delay_ms = 50};
	struct plan p = {10, METHOD_GET};

	run_open(&s, &p, 100, 0);
	assert_int_equal(result.outcomes[LOAD_RIGHT], 10);
	assert_true(result.latency_ns.max >= 410 * NS_PER_MS);
	assert_true(hist_mean(&result.latency_ns) >= 225e6);
	assert_int_equal(result.unsent, 0);
}

static void
an_open_loop_tells_what_it_could_not_send(void **state)
{
	struct server s = {.answer = GOOD, .keep = true, .delay_ms = 50};
	struct plan p = {UINT32_MAX, METHOD_GET};

	run_open(&s, &p, 100, 200 * NS_PER_MS);
	assert_true(load_requests(&result) <= 5);
	assert_int_equal(result.unsent + load_requests(&result), 20);
}

static void
an_open_loop_keeps_its_rate(void **state)
{
	struct server s = {.answer = GOOD, .keep = true};
	struct plan p = {100, METHOD_GET};

	run_open(&s, &p, 500, 0);
	assert_int_equal(result.outcomes[LOAD_RIGHT], 100);
	assert_true(result.elapsed_ns >= 198 * NS_PER_MS);
	assert_true(result.elapsed_ns < 2 * NS_PER_S);
	assert_int_equal(result.connections, 1);
}

static void
users_think(void **state)
{
	struct server s = {.answer = GOOD, .keep = true};
	struct plan p = {3, METHOD_GET, .wait_ns = 30 * NS_PER_MS};

	run(&s, &p, 0);
	assert_int_equal(result.outcomes[LOAD_RIGHT], 3);
	assert_int_equal(result.connections, 1);
	assert_true(result.elapsed_ns >= 90 * NS_PER_MS);
	/* thinking is no latency */
	assert_true(hist_quantile(&result.latency_ns, 0.5) < 30 * NS_PER_MS);
}

/* It promised to keep it, and closes it while the user thinks. */
static void
an_idle_connection_that_went_is_opened_anew(void **state)
{
	struct server s = {.answer = GOOD};
	struct plan p = {3, METHOD_GET, .wait_ns = 30 * NS_PER_MS};

	run(&s, &p, 0);
	assert_int_equal(result.outcomes[LOAD_RIGHT], 3);
	assert_int_equal(result.connections, 3);
	assert_int_equal(result.connect_ns.n, 3);
}

static void
those_who_think_do_not_hold_up_the_end(void **state)
{
	struct server s = {.answer = GOOD, .keep = true};
	struct plan p = {UINT32_MAX, METHOD_GET, .wait_ns = 60 * NS_PER_S};
	struct load l = {
		.addr.s_addr = htonl(INADDR_LOOPBACK),
		.connections = 5,
		.duration_ns = 50 * NS_PER_MS,
		.next = next_request,
		.ctx = &p,
	};

	server_start(&s);
	l.port = s.port;
	assert_int_equal(load_run(&l, &result), 0);
	server_stop(&s);
	assert_int_equal(load_requests(&result), 0);
	assert_true(result.elapsed_ns < 10 * NS_PER_S);
}

static void
any_answer_will_do_if_nothing_is_expected(void **state)
{
	static const char *const texts[] = {OK "Content-Length: 3\r\n\r\nxyz",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		OK "\r\nmuch more than five"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct server s = {.answer = texts[i]};
		struct plan p = {1, METHOD_GET, .any = true};

		run(&s, &p, 1);
		assert_int_equal(result.outcomes[LOAD_RIGHT], 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_its_outcome),
		cmocka_unit_test(connections_are_kept_or_not),
		cmocka_unit_test(requests_are_as_asked),
		cmocka_unit_test(silence_times_out_and_nobody_is_no_connection),
		cmocka_unit_test(the_time_is_bounded),
		cmocka_unit_test(an_open_loop_counts_the_wait_for_a_connection),
		cmocka_unit_test(an_open_loop_tells_what_it_could_not_send),
		cmocka_unit_test(an_open_loop_keeps_its_rate),
		cmocka_unit_test(users_think),
		cmocka_unit_test(an_idle_connection_that_went_is_opened_anew),
		cmocka_unit_test(those_who_think_do_not_hold_up_the_end),
		cmocka_unit_test(any_answer_will_do_if_nothing_is_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
