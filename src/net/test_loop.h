#pragma once
/* For tests: what is there for a loop to do is done. */
#include "base/clock.h"
#include "net/loop.h"

struct test_turn {
	struct timer timer;
	struct loop *loop;
};

static inline void
test_turn_over(struct timer *t)
{
	loop_stop(container_of(t, struct test_turn, timer)->loop);
}

/* For a millisecond; what has been sent to it is taken in the first turn. */
static inline void
test_let_run(struct loop *l)
{
	struct test_turn t = {.timer.on_timer = test_turn_over, .loop = l};

	loop_arm(l, &t.timer, NS_PER_MS);
	loop_run(l);
}
