/* A connection is taken apart and put together again, over loopback, and goes
 * on as if nothing had been. */
#include "handoff/repair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"

struct pair {
	int client, server, listener;
};

/* Repair asks for rights, and the network must be nobody else's. */
static void
need_rights(void)
{
	if (repair_permitted() < 0) {
		puts("SKIP: needs CAP_NET_ADMIN for TCP_REPAIR");
		skip();
	}
}

static struct pair
connected(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	struct pair p = {.listener = socket(AF_INET, SOCK_STREAM, 0),
		.client = socket(AF_INET, SOCK_STREAM, 0)};
	int one = 1;

	setsockopt(p.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(p.listener, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(p.listener, 1), 0);
	getsockname(p.listener, (struct sockaddr *)&a, &n);
	assert_int_equal(connect(p.client, (struct sockaddr *)&a, n), 0);
	p.server = accept(p.listener, NULL, NULL);
	assert_true(p.server >= 0);
	return p;
}

static void
disconnect(struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

static void
expect_says(int from, int to, const char *text)
{
	char got[64] = {0};

	assert_int_equal(send(from, text, strlen(text), MSG_NOSIGNAL),
		(ssize_t)strlen(text));
	assert_int_equal(recv(to, got, strlen(text), MSG_WAITALL),
		(ssize_t)strlen(text));
	assert_string_equal(got, text);
}

static void
drained(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(
			getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
		if (!info.tcpi_unacked)
			return;
		usleep(1000);
	}
	fail_msg("never acknowledged");
}

static void
test_apart_and_together(void **state)
{
	struct snapshot s = {0}, read;
	char bytes[SNAPSHOT_BYTES];
	struct str in = str_of(bytes, sizeof(bytes));
	struct pair p;
	int fd;

	(void)state;
	need_rights();
	p = connected();
	expect_says(p.client, p.server, "a question");
	expect_says(p.server, p.client, "an answer");
	expect_says(p.client, p.server, "another question");
	drained(p.server);
	assert_int_equal(repair_names(p.server, &s), 0);
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	assert_int_equal(repair_part(p.server, &s), REPAIR_DONE);
	close(p.server);
	snapshot_put(&s, bytes);
	assert_true(snapshot_take(&in, &read));
	assert_int_equal(repair_make(&read, &fd), 0);
	assert_int_equal(repair_finish(fd), 0);
	p.server = fd;
	assert_true(s.mss > 536 && s.cwnd >= 10 && s.timestamps && s.sack);
	/* Not from a window of nothing, and not in small segments. */
	expect_says(p.server, p.client, "another answer");
	expect_says(p.client, p.server, "and on");
	disconnect(&p);
}

static void
test_reasons(void **state)
{
	struct snapshot s = {0};
	struct pair p;

	(void)state;
	need_rights();
	p = connected();
	assert_int_equal(send(p.client, "x", 1, 0), 1);
	usleep(20000);
	assert_int_equal(repair_take(p.server, &s), REPAIR_UNREAD);
	/* It is what it was. */
	expect_says(p.server, p.client, "still here");
	drained(p.server);
	shutdown(p.client, SHUT_WR);
	usleep(20000);
	assert_int_equal(recv(p.server, &s, 1, 0), 1);
	assert_int_equal(repair_take(p.server, &s), REPAIR_STATE);
	expect_says(p.server, p.client, "still");
	disconnect(&p);
}

/* Taken apart, and not after all. */
static void
test_undo(void **state)
{
	struct snapshot s = {0};
	struct pair p;

	(void)state;
	need_rights();
	p = connected();
	expect_says(p.client, p.server, "a question");
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	repair_undo(p.server);
	expect_says(p.server, p.client, "an answer");
	expect_says(p.client, p.server, "thanks");
	disconnect(&p);
}

/* What is thrown away is so without a word. */
static void
test_mute(void **state)
{
	struct snapshot s = {0};
	struct pair p;
	char c;
	int fd;

	(void)state;
	need_rights();
	p = connected();
	assert_int_equal(repair_names(p.server, &s), 0);
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	assert_int_equal(repair_part(p.server, &s), REPAIR_DONE);
	close(p.server);
	assert_int_equal(repair_make(&s, &fd), 0);
	close(fd);
	usleep(20000);
	assert_int_equal(recv(p.client, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	p.server = -1;
	disconnect(&p);
}

/* What arrived behind the snapshot's back. */
static void
test_moved(void **state)
{
	struct snapshot s = {0};
	struct pair p;

	(void)state;
	need_rights();
	p = connected();
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	assert_int_equal(send(p.client, "x", 1, 0), 1);
	usleep(20000);
	assert_int_equal(repair_part(p.server, &s), REPAIR_MOVED);
	disconnect(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart_and_together),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
