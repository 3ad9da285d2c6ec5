#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dns.h"
#include "net/loop.h"
#include "net/spin.h"

static char trace[64];

static void
mark(char c)
{
	size_t n = strlen(trace);

	trace[n] = c;
	trace[n + 1] = '\0';
}

static struct loop *loop;
static struct timer timers[4];

static void
on_timer(struct timer *t)
{
	mark((char)('0' + (t - timers)));
	if (t == &timers[3])
		loop_stop(loop);
}

static void
test_timers(void **state)
{
	trace[0] = '\0';
	loop = loop_new();
	for (int i = 0; i < 4; i++)
		timers[i] = (struct timer){.on_timer = on_timer};
	loop_arm(loop, &timers[2], 30 * NS_PER_MS);
	loop_arm(loop, &timers[0], 50 * NS_PER_MS);
	loop_arm(loop, &timers[1], 5 * NS_PER_MS);
	loop_arm(loop, &timers[3], 40 * NS_PER_MS);
	loop_arm(loop, &timers[0], 1 * NS_PER_MS); /* earlier */
	loop_disarm(loop, &timers[1]);
	loop_disarm(loop, &timers[1]);
	loop_run(loop);
	assert_string_equal(trace, "023");
	loop_free(loop);
}

/* Many timers armed and disarmed in pseudo-random order fire in order. */
static struct timer many[500];
static uint64_t last_ns;
static int fired;

static void
on_many(struct timer *t)
{
	assert_true(t->at_ns >= last_ns);
	last_ns = t->at_ns;
	fired++;
}

static void
on_end(struct timer *t)
{
	loop_stop(loop);
}

static void
test_timer_heap(void **state)
{
	struct timer end = {.on_timer = on_end};
	unsigned x = 1;
	int off = 0;

	loop = loop_new();
	last_ns = 0;
	for (int i = 0; i < 500; i++) {
		many[i] = (struct timer){.on_timer = on_many};
		x = x * 1103515245 + 12345;
		loop_arm(loop, &many[i], (x >> 8) % (20 * NS_PER_MS));
	}
	for (int i = 0; i < 500; i += 3, off++)
		loop_disarm(loop, &many[i]);
	loop_arm(loop, &end, 25 * NS_PER_MS);
	loop_run(loop);
	assert_int_equal(fired, 500 - off);
	loop_free(loop);
}

/* One that goes on at once, again and again, has no turn to itself. */
static int pipe_fds[2];

static void
on_again(struct timer *t)
{
	if (++fired == 1)
		assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	if (fired == 1000)
		loop_stop(loop);
	loop_arm(loop, t, fired < 1000 ? 0 : NS_PER_S);
}

static void
on_other_io(struct source *s, uint32_t events)
{
	if (events & EPOLLIN)
		loop_stop(loop);
}

/* Runs what waits, until the other has had its turn. */
static void
run_beside_other(void)
{
	struct source other = {.on_io = on_other_io};

	fired = 0;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(loop_watch(loop, &other, pipe_fds[0]), 0);
	loop_run(loop);
	loop_close(loop, &other);
	close(pipe_fds[1]);
}

static void
test_timer_again(void **state)
{
	struct timer again = {.on_timer = on_again};

	loop = loop_new();
	loop_arm(loop, &again, 0);
	run_beside_other();
	assert_in_range(fired, 1, 2);
	loop_free(loop);
}

/* So with a task that wants to be run again. */
static uint64_t until_ns;

static void
on_task_again(struct task *t)
{
	if (++fired == 1)
		assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	if (clock_mono_ns() < until_ns)
		loop_defer(loop, t);
	else
		loop_stop(loop);
}

static void
test_task_again(void **state)
{
	struct task again = {.run = on_task_again};

	loop = loop_new();
	until_ns = clock_mono_ns() + 3 * NS_PER_S;
	loop_defer(loop, &again);
	run_beside_other();
	assert_true(clock_mono_ns() < until_ns);
	task_cancel(&again);
	loop_free(loop);
}

/* Two sources become ready in one turn; the first ends the second. */
struct end {
	struct source source;
	struct grave grave;
};
static struct end *ends[2];
static int buried;

static void
bury(struct grave *g)
{
	buried++;
	free(container_of(g, struct end, grave));
	loop_stop(loop);
}

static void
on_end_io(struct source *s, uint32_t events)
{
	mark('x');
	if (!(events & EPOLLIN))
		return;
	mark('r');
	for (int i = 0; i < 2; i++) {
		loop_close(loop, &ends[i]->source);
		loop_bury(loop, &ends[i]->grave);
	}
}

static void
test_burial(void **state)
{
	int a[2], b[2];

	trace[0] = '\0';
	buried = 0;
	loop = loop_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	for (int i = 0; i < 2; i++) {
		ends[i] = calloc(1, sizeof(*ends[i]));
		ends[i]->source.on_io = on_end_io;
		ends[i]->grave.bury = bury;
	}
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	assert_int_equal(loop_watch(loop, &ends[0]->source, a[0]), 0);
	assert_int_equal(loop_watch(loop, &ends[1]->source, b[0]), 0);
	loop_run(loop);
	assert_string_equal(trace, "xr");
	assert_int_equal(buried, 2);
	close(a[1]);
	close(b[1]);
	loop_free(loop);
}

/* Wakes from other threads arrive, however they are timed. */
enum { ROUNDS = 20000 };
static struct wake wake;
static _Atomic unsigned sent;
static unsigned seen;

static void
on_wake(struct wake *w)
{
	seen = sent;
	if (seen == ROUNDS)
		loop_stop(loop);
}

static void *
poster(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		sent++;
		wake_post(&wake);
	}
	return NULL;
}

static void
test_wake(void **state)
{
	pthread_t thread;

	loop = loop_new();
	wake_init(&wake, loop, on_wake);
	pthread_create(&thread, NULL, poster, NULL);
	loop_run(loop);
	pthread_join(thread, NULL);
	assert_int_equal(seen, ROUNDS);
	wake_cancel(&wake);
	loop_free(loop);
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t idle_from_cpu_ns;

static void
on_idle(struct timer *t)
{
	mark('i');
	idle_from_cpu_ns = cpu_ns();
	loop_arm(loop, &timers[3], 300 * NS_PER_MS);
}

/* However busy it has been, a loop that waits takes no time of its core. */
static void
test_idle(void **state)
{
	pthread_t thread;

	trace[0] = '\0';
	loop = loop_new();
	wake_init(&wake, loop, on_wake);
	sent = 0;
	pthread_create(&thread, NULL, poster, NULL);
	loop_run(loop);
	pthread_join(thread, NULL);
	timers[0] = (struct timer){.on_timer = on_idle};
	timers[3] = (struct timer){.on_timer = on_timer};
	loop_arm(loop, &timers[0], 1 * NS_PER_MS);
	loop_run(loop);
	assert_string_equal(trace, "i3");
	assert_true(cpu_ns() - idle_from_cpu_ns < 30 * NS_PER_MS);
	wake_cancel(&wake);
	loop_free(loop);
}

static void
test_spin(void **state)
{
	struct spin s = {.look_at_ns = UINT64_MAX};
	uint64_t now_ns = NS_PER_S;

	for (int i = 0; i < SPIN_SHORT_WAITS; i++) {
		assert_false(spin_is_worth_it(&s));
		spin_saw(&s, now_ns, SPIN_NS - 1);
	}
	assert_true(spin_is_worth_it(&s));
	spin_saw(&s, now_ns, SPIN_NS);
	assert_false(spin_is_worth_it(&s));
	/* others have wanted the core, when it is looked for them next */
	s.look_at_ns = now_ns;
	s.pushed_aside = -1;
	for (int i = 0; i < SPIN_SHORT_WAITS; i++)
		spin_saw(&s, now_ns, 1);
	assert_false(spin_is_worth_it(&s));
	/* but not for ever */
	s.look_at_ns = UINT64_MAX;
	for (int i = 0; i < SPIN_SHORT_WAITS; i++) {
		assert_false(spin_is_worth_it(&s));
		spin_saw(&s, now_ns + SPIN_OFF_NS, 1);
	}
	assert_true(spin_is_worth_it(&s));
}

static int answers;

static void
on_answer(struct dns_query *q, int status, const struct dns_addrs *addrs)
{
	assert_int_equal(status, 0);
	assert_true(addrs->n > 0);
	assert_int_equal(ntohl(addrs->v[0].s_addr) >> 24, 127);
	answers++;
}

static void
test_dns(void **state)
{
	struct dns_query q[3] = {{.on_answer = on_answer},
		{.on_answer = on_answer}, {.on_answer = on_answer}};
	struct in_addr none = {0};
	struct resolver *r;

	loop = loop_new();
	r = resolver_new(loop, none, 0);
	resolver_ask(r, STR("127.9.9.9"), &q[0]);
	resolver_ask(r, STR("localhost"), &q[1]);
	resolver_ask(r, STR("LOCALHOST"), &q[2]);
	assert_int_equal(answers, 3);
	resolver_free(r);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_timer_heap),
		cmocka_unit_test(test_timer_again),
		cmocka_unit_test(test_task_again),
		cmocka_unit_test(test_burial),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_spin),
		cmocka_unit_test(test_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
