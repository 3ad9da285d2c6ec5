/* A connection is taken apart and put together again, over loopback, and goes
 * on as if nothing had been. */
#include "handoff/repair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"

struct pair {
	int client, server, listener;
};

static bool permitted;
static int max_segment; /* of clients to come; 0: the network's */

/* In a network of its own, where no port is still in TIME_WAIT. */
static int
begin(void **state)
{
	(void)state;
	permitted = unshare(CLONE_NEWNET) == 0 && repair_permitted() == 0;
	if (!permitted)
		puts("SKIP: needs CAP_SYS_ADMIN and CAP_NET_ADMIN");
	return permitted ? system("ip link set lo up") : 0;
}

static void
need_rights(void)
{
	if (!permitted)
		skip();
}

static struct pair
connected_to(struct sockaddr *a, socklen_t n)
{
	struct pair p = {.listener = socket(a->sa_family, SOCK_STREAM, 0),
		.client = socket(a->sa_family, SOCK_STREAM, 0)};
	int one = 1;

	setsockopt(p.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(p.listener, a, n), 0);
	assert_int_equal(listen(p.listener, 1), 0);
	getsockname(p.listener, a, &n);
	if (max_segment)
		setsockopt(p.client, IPPROTO_TCP, TCP_MAXSEG, &max_segment,
			sizeof(max_segment));
	assert_int_equal(connect(p.client, a, n), 0);
	p.server = accept(p.listener, NULL, NULL);
	assert_true(p.server >= 0);
	return p;
}

static struct pair
connected(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return connected_to((struct sockaddr *)&a, sizeof(a));
}

static struct pair
connected_v6(void)
{
	struct sockaddr_in6 a = {
		.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};

	return connected_to((struct sockaddr *)&a, sizeof(a));
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
goes_on(struct pair p)
{
	struct snapshot s = {0}, read;
	struct buf bytes = {0};
	struct str in;
	struct tcp_info info;
	socklen_t n = sizeof(info);
	int fd;

	expect_says(p.client, p.server, "a question");
	expect_says(p.server, p.client, "an answer");
	expect_says(p.client, p.server, "another question");
	drained(p.server);
	assert_int_equal(repair_names(p.server, &s), 0);
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	assert_int_equal(repair_part(p.server, &s), REPAIR_DONE);
	close(p.server);
	snapshot_put(&s, &bytes);
	in = buf_view(&bytes);
	assert_true(snapshot_take(&in, &read));
	buf_fini(&bytes);
	assert_int_equal(repair_make(&read, &fd), 0);
	assert_int_equal(repair_finish(fd), 0);
	p.server = fd;
	assert_true(s.mss > 536 && s.cwnd >= 10 && s.timestamps && s.sack);
	/* Not from a window of nothing, and not in small segments. */
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
	assert_true(info.tcpi_snd_mss > 536);
	expect_says(p.server, p.client, "another answer");
	expect_says(p.client, p.server, "and on");
	disconnect(&p);
}

static void
test_apart_and_together(void **state)
{
	(void)state;
	need_rights();
	goes_on(connected());
}

static void
test_v6(void **state)
{
	(void)state;
	need_rights();
	goes_on(connected_v6());
}

/* Of whoever has been silent for long, the window is no longer what it was. */
static void
test_pause(void **state)
{
	static char data[400000];
	struct snapshot before = {0}, after = {0};
	struct pair p;

	(void)state;
	need_rights();
	max_segment = 1000;
	p = connected();
	max_segment = 0;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(send(p.server, data, sizeof(data) / 8, 0),
			sizeof(data) / 8);
		assert_int_equal(
			recv(p.client, data, sizeof(data) / 8, MSG_WAITALL),
			sizeof(data) / 8);
	}
	drained(p.server);
	assert_int_equal(repair_take(p.server, &before), REPAIR_DONE);
	sleep(2);
	assert_int_equal(repair_take(p.server, &after), REPAIR_DONE);
	assert_true(before.cwnd > REPAIR_INITIAL_WINDOW);
	assert_int_equal(after.cwnd, REPAIR_INITIAL_WINDOW);
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

/* Looked at, and not taken apart after all. */
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
	/* It is what it was. */
	assert_int_equal(recv(p.server, &s, 1, 0), 1);
	expect_says(p.server, p.client, "still here");
	disconnect(&p);
}

static int
listen_as_workers_do(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	assert_int_equal(bind(fd, (const struct sockaddr *)a, sizeof(*a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The port of a connection that was taken is free to be listened at, for a
 * process that is started anew, with all its workers. */
static void
test_listen_again(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct snapshot s = {0};
	struct pair p;
	int fd, first, second;

	(void)state;
	need_rights();
	p = connected();
	drained(p.server);
	assert_int_equal(repair_names(p.server, &s), 0);
	assert_int_equal(repair_take(p.server, &s), REPAIR_DONE);
	assert_int_equal(repair_part(p.server, &s), REPAIR_DONE);
	close(p.server);
	close(p.listener);
	assert_int_equal(repair_make(&s, &fd), 0);
	assert_int_equal(repair_finish(fd), 0);
	p.server = fd;
	any.sin_port = htons(s.local_port);
	first = listen_as_workers_do(&any);
	second = listen_as_workers_do(&any);
	expect_says(p.server, p.client, "and on");
	close(first);
	close(second);
	p.listener = -1;
	disconnect(&p);
}

/* Numbers that come around (RFC 9293, 3.4), on both ends. */
static void
test_wrap(void **state)
{
	static char data[200000], got[sizeof(data)];
	struct snapshot a = {
		.client.s6_addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1},
		.local.s6_addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1},
		.client_port = 41001,
		.local_port = 41002,
		.sack = true,
		.wscale_ok = true,
		.snd_wscale = 7,
		.rcv_wscale = 7,
		.mss = 1460,
		.snd_nxt = 0xffffff00,
		.rcv_nxt = 0xfffffffe,
		.snd_wl1 = 0xfffffffd,
		.snd_wnd = 65536,
		.max_window = 65536,
		.rcv_wnd = 65536,
		.rcv_wup = 0xfffffffe,
	};
	struct snapshot b = a;
	struct pair p = {.listener = -1};
	int fd;

	(void)state;
	need_rights();
	b.client_port = a.local_port;
	b.local_port = a.client_port;
	b.snd_nxt = b.snd_wl1 = a.rcv_nxt;
	b.rcv_nxt = b.rcv_wup = a.snd_nxt;
	b.snd_wl1 = a.snd_nxt - 1;
	assert_int_equal(repair_make(&a, &p.server), 0);
	assert_int_equal(repair_make(&b, &p.client), 0);
	assert_int_equal(repair_finish(p.server), 0);
	assert_int_equal(repair_finish(p.client), 0);
	fcntl(p.server, F_SETFL, 0);
	fcntl(p.client, F_SETFL, 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / 251);
	expect_says(p.client, p.server, "once around");
	for (size_t sent = 0, read = 0; read < sizeof(data);) {
		ssize_t n = send(p.server, data + sent, sizeof(data) - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		n = recv(p.client, got + read, sizeof(got) - read, 0);
		assert_true(n > 0);
		read += (size_t)n;
	}
	assert_memory_equal(data, got, sizeof(data));
	drained(p.server);
	a = (struct snapshot){0};
	assert_int_equal(repair_names(p.server, &a), 0);
	assert_int_equal(repair_take(p.server, &a), REPAIR_DONE);
	assert_true(a.snd_nxt < sizeof(data) && a.rcv_nxt < 100);
	assert_int_equal(repair_part(p.server, &a), REPAIR_DONE);
	close(p.server);
	assert_int_equal(repair_make(&a, &fd), 0);
	assert_int_equal(repair_finish(fd), 0);
	p.server = fd;
	expect_says(p.server, p.client, "and on");
	disconnect(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart_and_together),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_listen_again),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
