#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/own.h"
#include "l4/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Results, '+' or '-', and the change after each: 'u', 'd' or '.'. */
static void
play(unsigned fall, unsigned rise, const char *results, const char *changes)
{
	static const char letter[] = {
		[HEALTH_SAME] = '.', [HEALTH_UP] = 'u', [HEALTH_DOWN] = 'd'};
	struct health_count c = {0};

	assert_int_equal(strlen(results), strlen(changes));
	for (size_t i = 0; results[i]; i++) {
		char got = letter[health_count_add(
			&c, results[i] == '+', fall, rise)];

		if (got != changes[i])
			fail_msg("%s at %zu: %c, not %c", results, i, got,
				changes[i]);
	}
}

static void
test_count(void **state)
{
	play(2, 2, "+--++", "u.d.u");
	play(2, 2, "-++--", "d.u.d");
	play(2, 2, "+-+-+-+", "u......");
	play(2, 2, "-+-+-+-", "d......");
	play(3, 1, "+--+---+", "u.....du");
	play(1, 3, "+-++-+++", "ud.....u");
	play(1, 1, "+-+", "udu");
	play(2, 2, "++++--", "u....d");
	play(2, 2, "----++", "d....u");
}

struct seen {
	unsigned checks, ups, downs;
	int err; /* of the last check */
};

static void
on_check(void *ctx, size_t target, int err, enum health_change change)
{
	struct seen *s = (struct seen *)ctx + target;

	s->checks++;
	s->ups += change == HEALTH_UP;
	s->downs += change == HEALTH_DOWN;
	s->err = err;
}

/* Runs until *value >= want; how long it took. */
static uint64_t
run_until(struct health *h, const unsigned *value, unsigned want)
{
	uint64_t start_ns = clock_mono_ns();

	while (*value < want) {
		struct pollfd p = {health_fd(h), POLLIN, 0};

		assert_true(clock_mono_ns() - start_ns < 10 * NS_PER_S);
		(void)poll(&p, 1, 1000);
		health_run(h);
	}
	return clock_mono_ns() - start_ns;
}

/* A listener on a free port of the loopback. */
static int
listener(struct sockaddr_in *addr, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = sizeof(*addr);

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)addr, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)addr, &len), 0);
	return fd;
}

static struct health *
open_health(const struct sockaddr_in *targets, size_t n, struct seen *seen)
{
	struct health_config config = {.interval_ns = 20 * NS_PER_MS,
		.timeout_ns = 100 * NS_PER_MS,
		.fall = 2,
		.rise = 2,
		.on_check = on_check,
		.ctx = seen};
	struct health *h = NULL;

	assert_int_equal(health_open(&config, targets, n, &h), 0);
	return h;
}

static void
test_refused(void **state)
{
	struct sockaddr_in addr[2] = {0};
	int good = listener(&addr[0], 128), bad = listener(&addr[1], 128);
	struct seen seen[2] = {0};
	struct health *h;

	close(bad);
	h = open_health(addr, 2, seen);
	(void)run_until(h, &seen[0].checks, 1);
	(void)run_until(h, &seen[1].checks, 3);
	assert_int_equal(seen[0].ups, 1);
	assert_int_equal(seen[1].downs, 1);
	assert_int_equal(seen[1].err, ECONNREFUSED);
	assert_true(health_up(h, 0));
	assert_false(health_up(h, 1));

	bad = listener(&addr[1], 128);
	(void)run_until(h, &seen[1].ups, 1);
	assert_int_equal(seen[1].err, 0);
	health_close(h);
	close(good);
	close(bad);
}

static void
test_goes_away(void **state)
{
	struct sockaddr_in addr = {0};
	int fd = listener(&addr, 128);
	struct seen seen = {0};
	struct health *h = open_health(&addr, 1, &seen);

	(void)run_until(h, &seen.checks, 5);
	assert_int_equal(seen.ups, 1);
	assert_int_equal(seen.downs, 0);
	close(fd);
	(void)run_until(h, &seen.downs, 1);
	assert_int_equal(seen.err, ECONNREFUSED);
	health_close(h);
}

/* A listener whose queue is full does not answer. */
static void
test_silent(void **state)
{
	struct sockaddr_in addr = {0};
	int fd = listener(&addr, 0), fill[3];
	struct seen seen = {0};
	struct health *h;
	uint64_t took_ns;

	for (int i = 0; i < 3; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&addr, sizeof(addr));
	}
	h = open_health(&addr, 1, &seen);
	took_ns = run_until(h, &seen.checks, 2);
	assert_int_equal(seen.err, ETIMEDOUT);
	assert_int_equal(seen.downs, 1);
	assert_true(took_ns >= 190 * NS_PER_MS); /* two timeouts */
	health_close(h);
	for (int i = 0; i < 3; i++)
		close(fill[i]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_goes_away),
		cmocka_unit_test(test_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
