#pragma once
/*
 * struct loop: one per thread. Waits for descriptors, timers, deferred tasks
 * and wakes from other threads, and calls back. A turn of the loop is: events,
 * due timers, wakes, then deferred tasks until there are none, then burials.
 *
 * Everything here is called from the loop's own thread, except wake_post().
 *
 * Descriptors are edge-triggered and registered once for both directions: a
 * callback reads until EAGAIN or remembers that it did not.
 *
 * An object that ends inside a callback closes its sources and is handed to
 * loop_bury(): its memory lives to the end of the turn, so an event that was
 * already fetched for it finds a closed source and is dropped.
 */
#include "base/clock.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct source {
	int fd; /* owned; -1 when closed */
	/* events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR */
	void (*on_io)(struct source *s, uint32_t events);
};

struct timer {
	uint64_t at_ns; /* monotonic */
	size_t slot;	/* position in the heap + 1; 0: not armed */
	void (*on_timer)(struct timer *t);
};

struct task {
	struct list link;
	void (*run)(struct task *t);
};

struct grave {
	struct list link;
	void (*bury)(struct grave *g); /* frees what contains it */
};

/* A task that any thread may ask the loop of `home` to run. Posting twice
 * before it ran runs it at least once. */
struct wake {
	struct task local;
	struct list remote;  /* guarded by the home's mail lock */
	_Atomic bool mailed; /* remote is linked, or about to be */
	struct loop *home;   /* borrowed, outlives the wake */
	void (*on_wake)(struct wake *w);
};

/* NULL and errno when the kernel gives no epoll or eventfd. */
struct loop *loop_new(void);
/* Nothing may be watched, armed or deferred any more. */
void loop_free(struct loop *l);
/* Runs turns until loop_stop(); makes l the thread's current loop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Runs what was deferred and buries, for the ends of things after the loop
 * has stopped. */
void loop_settle(struct loop *l);
/* Monotonic, read once per turn. */
uint64_t loop_now_ns(const struct loop *l);
/* Seconds since 1970, read once per turn. */
int64_t loop_wall_s(const struct loop *l);

/* s takes fd over. 0 or negative errno (fd then stays the caller's). */
int loop_watch(struct loop *l, struct source *s, int fd);
/* Level-triggered and not owned, for libraries that keep their descriptors;
 * again with other events changes them; 0 events forgets it. */
int
loop_watch_foreign(struct loop *l, struct source *s, int fd, uint32_t events);
/* Closes the descriptor; harmless when closed. */
void loop_close(struct loop *l, struct source *s);

/* Watches it no longer: the descriptor is the caller's. */
int loop_release(struct loop *l, struct source *s);

/* In the next turn at the earliest, which does not wait then. */
void loop_arm(struct loop *l, struct timer *t, uint64_t in_ns);
void loop_disarm(struct loop *l, struct timer *t); /* harmless if not armed */

/* Runs t at the end of this turn; once, however often asked. */
void loop_defer(struct loop *l, struct task *t);
void task_cancel(struct task *t);

void loop_bury(struct loop *l, struct grave *g);

void
wake_init(struct wake *w, struct loop *home, void (*on_wake)(struct wake *w));
void wake_post(struct wake *w); /* from any thread */
/* From the home thread: it will not run any more. The caller has made sure
 * that nobody posts it again. */
static inline void wake_cancel(struct wake *w);
void wake_cancel_posted(struct wake *w);

static inline void
wake_cancel(struct wake *w)
{
	if (list_linked(&w->local.link) || atomic_load(&w->mailed))
		wake_cancel_posted(w);
}
