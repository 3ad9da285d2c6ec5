/*
 * What a channel takes for the other end's word: what is sealed, and nothing
 * that somebody on the way has put before, behind or into it. And how long it
 * waits for a word.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/test_loop.h"
#include "proxy/channel_internal.h"
#include "proxy/heat.h"

static const struct node_peer peers[] = {
	{.name = "n1", .weight = 1, .addr = {1}},
	{.name = "n2", .weight = 1, .addr = {2}}};
#define CONFIG(index)                                             \
	{                                                         \
		.cluster = "c", .place = {.policy = &policy_hrw}, \
		.peers = peers, .npeers = 2, .self = (index),     \
		.secret = {"a secret that nobody knows", 26},     \
	}
static const struct node_config config1 = CONFIG(0), config2 = CONFIG(1);
/* Ours, and the one that dials us. */
static struct node n1 = {.config = &config1}, n2 = {.config = &config2};

static struct worker worker;
static struct channel *channel;
static int wire; /* the dialler's end */
static struct seal *seal;
static bool up, down;
static struct buf heard; /* the types and lengths of frames */

static void
on_up(struct channel_user *u, size_t peer, const struct hello *theirs)
{
	(void)u;
	(void)theirs;
	assert_int_equal(peer, 1);
	up = true;
}

static bool
on_frame(struct channel_user *u, enum wire_type type, uint32_t stream,
	struct str payload)
{
	(void)u;
	buf_printf(&heard, "%d/%u/%zu ", (int)type, stream, payload.n);
	return true;
}

static void
fill(struct channel_user *u)
{
	(void)u;
}

static void
on_down(struct channel_user *u)
{
	(void)u;
	down = true;
}

static struct channel_user user = {on_up, on_frame, fill, on_down};

/* --- the other end -------------------------------------------------------- */

static void
put_frame(struct buf *out, enum wire_type type, uint32_t stream, size_t n)
{
	uint32_t header[2] = {
		htonl((uint32_t)type << 24 | (uint32_t)n), htonl(stream)};

	buf_append(out, header, sizeof(header));
	memset(buf_reserve(out, n), 'x', n);
	buf_commit(out, n);
}

static void
say(struct buf *b)
{
	ssize_t n = (ssize_t)buf_len(b);

	assert_int_equal(send(wire, buf_head(b), buf_len(b), 0), n);
	buf_fini(b);
	test_let_run(worker.loop);
}

/* All but the last `clear` bytes is sealed. */
static void
say_record(struct buf *frames, size_t clear)
{
	size_t n = buf_len(frames) - clear;
	uint64_t both = htobe64((uint64_t)n << RECORD_BITS | clear);
	char tag[SEAL_BYTES];
	struct buf b = {0};

	assert_int_equal(seal_put(seal, buf_head(frames), n, tag), 0);
	buf_append(&b, (char *)&both + 3, RECORD_LENGTHS);
	buf_append(&b, tag, sizeof(tag));
	buf_str(&b, buf_view(frames));
	buf_fini(frames);
	say(&b);
}

/* Both greet each other; *ours is what n2 said. */
static struct str
greet(struct buf *ours, char *room, size_t size)
{
	struct hello h = {.key = 1234};
	struct buf out = {0};
	ssize_t n;

	channel_put_hello(&n2, &h, &out);
	buf_append(ours, buf_head(&out) + WIRE_HEADER,
		buf_len(&out) - WIRE_HEADER);
	say(&out);
	n = recv(wire, room, size, MSG_DONTWAIT);
	assert_true(n > WIRE_HEADER);
	return str_of(room + WIRE_HEADER,
		(size_t)(uint8_t)room[2] << 8 | (uint8_t)room[3]);
}

static int
set_up(void **state)
{
	struct buf ours = {0}, ping = {0};
	struct seal_context c;
	char room[4096];
	int fds[2];

	(void)state;
	up = down = false;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0, fds),
		0);
	wire = fds[1];
	channel = channel_accepted(&worker, fds[0], (struct in_addr){2}, &user);
	assert_non_null(channel);
	c.secret = config1.secret;
	c.acceptor = greet(&ours, room, sizeof(room));
	c.dialler = buf_view(&ours);
	seal = seal_new(&c, true);
	assert_non_null(seal);
	assert_false(up);
	put_frame(&ping, WIRE_PING, 0, 0);
	say_record(&ping, 0);
	assert_true(up);
	buf_fini(&ours);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	channel_close_all(&worker);
	test_let_run(worker.loop);
	assert_true(down);
	seal_free(seal);
	buf_fini(&heard);
	close(wire);
	return 0;
}

static void
assert_heard(const char *want, bool ended)
{
	buf_append(&heard, "", 1);
	assert_string_equal(buf_head(&heard), want);
	assert_int_equal(down, ended);
}

/* --- what it hears -------------------------------------------------------- */

/* A body's end need not be sealed. */
static void
test_clear(void **state)
{
	struct buf b = {0};

	(void)state;
	put_frame(&b, WIRE_STATUS, 7, 0);
	put_frame(&b, WIRE_DATA, 8, 5000);
	say_record(&b, 4000);
	put_frame(&b, WIRE_STATUS, 9, 3);
	say_record(&b, 0);
	assert_heard("9/7/0 4/8/5000 9/9/3 ", false);
}

/* Somebody on the way adds a frame of his own, of which nothing is sealed. */
static void
test_added(void **state)
{
	struct buf b = {0};

	(void)state;
	put_frame(&b, WIRE_STATUS, 7, 0);
	put_frame(&b, WIRE_PURGE, 8, 100);
	say_record(&b, WIRE_HEADER + 100);
	assert_heard("9/7/0 ", true);
}

/* The same behind a body; or he says that less of it is there. */
static void
test_body_changed(void **state)
{
	struct buf b = {0};

	(void)state;
	put_frame(&b, WIRE_DATA, 7, 3000);
	put_frame(&b, WIRE_GO, 8, 0);
	say_record(&b, 2500 + WIRE_HEADER);
	assert_heard("4/7/3000 ", true);
}

static void
test_cut(void **state)
{
	struct buf b = {0};

	(void)state;
	put_frame(&b, WIRE_DATA, 7, 3000);
	buf_truncate(&b, buf_len(&b) - 100);
	say_record(&b, 2400);
	assert_heard("", true);
}

static void
test_forged(void **state)
{
	struct buf b = {0};

	(void)state;
	seal_free(seal);
	seal = seal_new(
		&(struct seal_context){STR("another"), STR("a"), STR("b")},
		true);
	put_frame(&b, WIRE_STATUS, 7, 0);
	say_record(&b, 0);
	assert_heard("", true);
}

/* --- how long it waits ---------------------------------------------------- */

/* Its timer is due, which is not waited for. What of it goes out? */
static ssize_t
let_ping(void)
{
	char room[256];

	channel->timer.on_timer(&channel->timer);
	test_let_run(worker.loop);
	return recv(wire, room, sizeof(room), MSG_DONTWAIT);
}

/* Two seconds without a word, and it ends; any word will do. */
static void
test_silent(void **state)
{
	struct buf b = {0};

	(void)state;
	let_ping();
	put_frame(&b, WIRE_PING, 0, 0);
	say_record(&b, 0);
	for (int i = 0; i < 4; i++) {
		assert_false(down);
		let_ping();
	}
	assert_false(down);
	let_ping();
	assert_true(down);
}

/* Who has said anything else since need not say that he lives. */
static void
test_pings(void **state)
{
	const ssize_t ping = RECORD_HEADER + WIRE_HEADER;

	(void)state;
	assert_int_equal(let_ping(), ping);
	assert_int_equal(let_ping(), ping);
	channel_send(channel, WIRE_STATUS, 7, STR("304"));
	assert_int_equal(let_ping(), ping + 3);
	assert_int_equal(let_ping(), ping);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
		TEST(test_clear),
		TEST(test_added),
		TEST(test_body_changed),
		TEST(test_cut),
		TEST(test_forged),
		TEST(test_silent),
		TEST(test_pings),
	};
	int status;

	n1.membership = membership_new(&n1);
	n2.membership = membership_new(&n2);
	n1.heat = heat_new();
	worker.node = &n1;
	worker.loop = loop_new();
	worker.frames = xmalloc(WORKER_FRAMES_BYTES);
	list_init(&worker.channels);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(worker.frames);
	loop_free(worker.loop);
	heat_free(n1.heat);
	membership_free(n1.membership);
	membership_free(n2.membership);
	return status;
}
