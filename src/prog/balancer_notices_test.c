/* What nodes tell the balancer: heard once, and not when it has waited. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "prog/balancer_members.h"
#include "net/test_loop.h"
#include "prog/balancer_notices.h"

static const char text[] = "cluster c {\n"
			   "    vip 192.0.2.1:80\n"
			   "    node n1 127.0.0.2\n"
			   "    node n2 127.0.0.3\n"
			   "}\n"
			   "site * { origin http://192.0.2.2:80 }\n";

static struct program program;
static struct notices *notices;
static int node; /* n1's socket */
static unsigned heard, untrusted;

static void
on_notice(void *ctx, size_t member, const struct notice *n)
{
	(void)ctx;
	assert_int_equal(member, 0);
	assert_int_equal(n->n, 1);
	heard++;
}

static void
on_untrusted(void *ctx)
{
	(void)ctx;
	untrusted++;
}

static void
on_news(void *ctx, const struct roster *r)
{
	(void)ctx;
	(void)r;
}

static void
on_suspect(void *ctx, size_t i)
{
	(void)ctx;
	(void)i;
}

static bool
is_up(void *ctx, size_t i)
{
	(void)ctx;
	(void)i;
	return true;
}

static void
say(const char *secret, uint64_t number)
{
	struct notice_from from = {str_z(secret), "c", "n1"};
	struct notice n = {.number = number, .n = 1};
	struct claims_question q = {0};
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct buf b = {0};

	n.v[0].claim.port = 1234;
	n.v[0].claim.client.s6_addr[0] = 0x20;
	notices_where(notices, &q);
	to.sin_addr = q.hear_addr;
	to.sin_port = htons(q.hear_port);
	assert_int_equal(notice_put(&from, &n, &b), 0);
	assert_int_equal(sendto(node, buf_head(&b), buf_len(&b), 0,
				 (struct sockaddr *)&to, sizeof(to)),
		buf_len(&b));
	buf_fini(&b);
}

static void
test_heard(void **state)
{
	(void)state;
	/* Not before it has answered a question. */
	say("the secret of the cluster", 5);
	test_let_run(program.loop);
	assert_int_equal(heard, 0);
	notices_since(notices, 0, 10);
	say("the secret of the cluster", 11);
	test_let_run(program.loop);
	assert_int_equal(heard, 1);
	/* Again, and by somebody else. */
	say("the secret of the cluster", 11);
	say("what another one thinks it is", 12);
	test_let_run(program.loop);
	assert_int_equal(heard, 1);
	assert_int_equal(untrusted, 1);
}

static void
test_late(void **state)
{
	(void)state;
	say("the secret of the cluster", 20);
	usleep(600000);
	test_let_run(program.loop);
	assert_int_equal(heard, 1);
	/* Nor is it heard again. */
	say("the secret of the cluster", 20);
	test_let_run(program.loop);
	assert_int_equal(heard, 1);
	say("the secret of the cluster", 21);
	test_let_run(program.loop);
	assert_int_equal(heard, 2);
}

static void
load(void)
{
	char path[] = "/tmp/notices.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(conf_load(path, &program.conf), 0);
	unlink(path);
}

static int
begin(void **state)
{
	struct sockaddr_in self = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	struct members_user user = {NULL, on_news, on_suspect, is_up};
	struct notices_user hearer = {NULL, STR("the secret of the cluster"),
		on_notice, on_untrusted};

	(void)state;
	load();
	program.loop = loop_new();
	program.members = members_new(program.loop, program.conf, &user);
	notices = notices_new(&program, &hearer);
	assert_non_null(notices);
	node = socket(AF_INET, SOCK_DGRAM, 0);
	return bind(node, (struct sockaddr *)&self, sizeof(self));
}

static int
end(void **state)
{
	(void)state;
	close(node);
	notices_free(notices);
	members_free(program.members);
	loop_free(program.loop);
	conf_free(program.conf);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
