#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/spin.h"

enum { EVENTS_PER_TURN = 256 };

struct loop {
	int epoll_fd;
	uint64_t now_ns;
	int64_t wall_s;
	bool stopped;
	struct spin spin;

	struct timer **heap; /* owned; earliest first */
	size_t ntimers, heap_cap;
	struct list tasks;
	struct list graves;

	struct source mail;	   /* an eventfd */
	pthread_mutex_t mail_lock; /* guards mailbox and every wake.remote:
				      other threads must add to it, and there
				      is no queue below this one to use */
	struct list mailbox;
};

static _Thread_local struct loop *current;

/* --- timers: a binary heap ----------------------------------------------- */

static void
heap_put(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->slot = i + 1;
}

static void
heap_up(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i];

	while (i && l->heap[(i - 1) / 2]->at_ns > t->at_ns) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, size_t i)
{
	struct timer *t = l->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < l->ntimers) {
		if (child + 1 < l->ntimers &&
			l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
			child++;
		if (l->heap[child]->at_ns >= t->at_ns)
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

void
loop_disarm(struct loop *l, struct timer *t)
{
	size_t i = t->slot - 1;
	struct timer *last;

	if (!t->slot)
		return;
	CHECK(i < l->ntimers && l->heap[i] == t);
	t->slot = 0;
	last = l->heap[--l->ntimers];
	if (last == t)
		return;
	heap_put(l, i, last);
	heap_up(l, i);
	heap_down(l, last->slot - 1);
}

/* Not in this turn: one that arms itself again at once leaves others theirs. */
void
loop_arm(struct loop *l, struct timer *t, uint64_t in_ns)
{
	uint64_t at_ns = l->now_ns + (in_ns ? in_ns : 1);

	CHECK(t->on_timer);
	if (t->slot) {
		uint64_t was_ns = t->at_ns;

		t->at_ns = at_ns;
		if (at_ns > was_ns)
			heap_down(l, t->slot - 1);
		else
			heap_up(l, t->slot - 1);
		return;
	}
	if (l->ntimers == l->heap_cap) {
		l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 64;
		l->heap = xrealloc(l->heap, l->heap_cap * sizeof(*l->heap));
	}
	t->at_ns = at_ns;
	heap_put(l, l->ntimers++, t);
	heap_up(l, l->ntimers - 1);
}

static void
run_timers(struct loop *l)
{
	while (l->ntimers && l->heap[0]->at_ns <= l->now_ns) {
		struct timer *t = l->heap[0];

		loop_disarm(l, t);
		t->on_timer(t);
	}
}

/* How long until the first timer is due; NULL: there is none. */
static const struct timespec *
wait_time(const struct loop *l, struct timespec *out)
{
	uint64_t left_ns = 0;

	if (!l->ntimers)
		return NULL;
	if (l->heap[0]->at_ns > l->now_ns + 1)
		left_ns = l->heap[0]->at_ns - l->now_ns;
	out->tv_sec = (time_t)(left_ns / NS_PER_S);
	out->tv_nsec = (long)(left_ns % NS_PER_S);
	return out;
}

/* --- descriptors --------------------------------------------------------- */

int
loop_watch(struct loop *l, struct source *s, int fd)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = s,
	};

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	s->fd = fd;
	return 0;
}

int
loop_watch_foreign(struct loop *l, struct source *s, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = s};
	int op = events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (epoll_ctl(l->epoll_fd, op, fd, &e) < 0 &&
		(errno != ENOENT || !events ||
			epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0))
		return -errno;
	s->fd = events ? fd : -1;
	return 0;
}

int
loop_release(struct loop *l, struct source *s)
{
	int fd = s->fd;

	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	s->fd = -1;
	return fd;
}

void
loop_close(struct loop *l, struct source *s)
{
	/* Explicitly: a forked child may share the open file. */
	if (s->fd >= 0)
		close(loop_release(l, s));
}

/* --- tasks, graves, wakes ------------------------------------------------ */

void
loop_defer(struct loop *l, struct task *t)
{
	if (!list_linked(&t->link))
		list_push_back(&l->tasks, &t->link);
}

void
task_cancel(struct task *t)
{
	list_remove(&t->link);
}

void
loop_bury(struct loop *l, struct grave *g)
{
	if (!list_linked(&g->link))
		list_push_back(&l->graves, &g->link);
}

static void
run_tasks(struct loop *l)
{
	struct list *link;

	while ((link = list_pop_front(&l->tasks))) {
		struct task *t = container_of(link, struct task, link);

		t->run(t);
	}
}

static void
run_graves(struct loop *l)
{
	struct list *link;

	while ((link = list_pop_front(&l->graves))) {
		struct grave *g = container_of(link, struct grave, link);

		g->bury(g);
	}
}

static struct wake *
next_mail(struct loop *l)
{
	struct wake *w = NULL;
	struct list *link;

	pthread_mutex_lock(&l->mail_lock);
	link = list_pop_front(&l->mailbox);
	if (link) {
		w = container_of(link, struct wake, remote);
		atomic_store(&w->mailed, false);
	}
	pthread_mutex_unlock(&l->mail_lock);
	return w;
}

static void
on_mail(struct source *s, uint32_t events)
{
	struct loop *l = container_of(s, struct loop, mail);
	struct wake *w;
	uint64_t count;

	(void)events;
	(void)!read(s->fd, &count, sizeof(count));
	while ((w = next_mail(l)))
		w->on_wake(w);
}

static void
run_local_wake(struct task *t)
{
	struct wake *w = container_of(t, struct wake, local);

	w->on_wake(w);
}

void
wake_init(struct wake *w, struct loop *home, void (*on_wake)(struct wake *))
{
	*w = (struct wake){
		.local.run = run_local_wake, .home = home, .on_wake = on_wake};
	list_init(&w->local.link);
	list_init(&w->remote);
}

void
wake_post(struct wake *w)
{
	struct loop *l = w->home;
	uint64_t one = 1;
	bool first = false;

	if (l == current) {
		loop_defer(l, &w->local);
		return;
	}
	pthread_mutex_lock(&l->mail_lock);
	if (!list_linked(&w->remote)) {
		atomic_store(&w->mailed, true);
		first = list_empty(&l->mailbox);
		list_push_back(&l->mailbox, &w->remote);
	}
	pthread_mutex_unlock(&l->mail_lock);
	if (first)
		(void)!write(l->mail.fd, &one, sizeof(one));
}

void
wake_cancel_posted(struct wake *w)
{
	task_cancel(&w->local);
	if (!atomic_load(&w->mailed))
		return;
	pthread_mutex_lock(&w->home->mail_lock);
	list_remove(&w->remote);
	pthread_mutex_unlock(&w->home->mail_lock);
}

/* --- the loop itself ----------------------------------------------------- */

void
loop_settle(struct loop *l)
{
	run_tasks(l);
	run_graves(l);
}

static void
read_clocks(struct loop *l)
{
	l->now_ns = clock_mono_ns();
	l->wall_s = clock_wall_s();
}

struct loop *
loop_new(void)
{
	struct loop *l = NEW(struct loop);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	list_init(&l->tasks);
	list_init(&l->graves);
	list_init(&l->mailbox);
	pthread_mutex_init(&l->mail_lock, NULL);
	l->mail = (struct source){.fd = -1, .on_io = on_mail};
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	read_clocks(l);
	if (fd < 0 || l->epoll_fd < 0 || loop_watch(l, &l->mail, fd) < 0) {
		if (fd >= 0)
			close(fd);
		loop_free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_settle(l);
	loop_close(l, &l->mail);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	pthread_mutex_destroy(&l->mail_lock);
	free(l->heap);
	free(l);
}

static int
wait_for(struct loop *l, struct epoll_event events[EVENTS_PER_TURN])
{
	struct timespec room;
	const struct timespec *wait = wait_time(l, &room);
	bool must_wait = !wait || wait->tv_sec > 0 || wait->tv_nsec > 0;
	uint64_t from_ns = clock_mono_ns();
	int n = 0;

	if (spin_is_worth_it(&l->spin))
		do
			n = epoll_wait(l->epoll_fd, events, EVENTS_PER_TURN, 0);
		while (n == 0 && must_wait &&
			clock_mono_ns() - from_ns < SPIN_NS);
	if (n == 0)
		n = epoll_pwait2(
			l->epoll_fd, events, EVENTS_PER_TURN, wait, NULL);
	CHECK(n >= 0 || errno == EINTR);
	read_clocks(l);
	spin_saw(&l->spin, l->now_ns, l->now_ns - from_ns);
	return n;
}

static void
turn(struct loop *l)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int n = wait_for(l, events);

	for (int i = 0; i < n; i++) {
		struct source *s = events[i].data.ptr;

		if (s->fd >= 0)
			s->on_io(s, events[i].events);
	}
	run_timers(l);
	run_tasks(l);
	run_graves(l);
}

void
loop_run(struct loop *l)
{
	current = l;
	/* What was deferred before the loop ran does not wait for an event. */
	run_tasks(l);
	while (!l->stopped)
		turn(l);
	l->stopped = false;
	current = NULL;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

uint64_t
loop_now_ns(const struct loop *l)
{
	return l->now_ns;
}

int64_t
loop_wall_s(const struct loop *l)
{
	return l->wall_s;
}
