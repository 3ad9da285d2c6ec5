/* All orders of events, as far as they go: never both of them may speak. */
#include "handoff/move.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What is under way on the connection between two nodes, in order; what was
 * sent before it is lost may still arrive, or not. */
enum message { NONE, MOVE, TAKEN, REFUSED, GO, CANCEL };

struct world {
	enum move_state giver, taker;
	enum message to_taker[3], to_giver[3];
	bool lost;	  /* the connection between them */
	bool giver_knows; /* ... that it is */
	bool taker_knows;
	bool late; /* the giver has lost patience */
};

static unsigned worlds, ended, moved, restored, died;

static void
push(enum message *queue, enum message m)
{
	unsigned i = 0;

	while (queue[i] != NONE)
		i++;
	assert_true(i < 2);
	queue[i] = m;
}

static enum message
pop(enum message *queue)
{
	enum message m = queue[0];

	queue[0] = queue[1];
	queue[1] = queue[2];
	queue[2] = NONE;
	return m;
}

static void
give(struct world *w, enum move_event e)
{
	switch (move_give(&w->giver, e)) {
	case MOVE_SEND: push(w->to_taker, MOVE); break;
	case MOVE_LET_GO: push(w->to_taker, GO); break;
	case MOVE_RECANT: push(w->to_taker, CANCEL); break;
	case MOVE_RESTORE:
	case MOVE_KEEP:
	case MOVE_IGNORE: break;
	default: fail_msg("the giver is surprised: %d in %d", e, w->giver);
	}
}

static void
take(struct world *w, enum move_event e)
{
	switch (move_take(&w->taker, e)) {
	case MOVE_HOLD: push(w->to_giver, TAKEN); break;
	case MOVE_REFUSE: push(w->to_giver, REFUSED); break;
	case MOVE_SPEAK:
	case MOVE_DISCARD:
	case MOVE_IGNORE: break;
	default: fail_msg("the taker is surprised: %d in %d", e, w->taker);
	}
}

static bool
giver_speaks(const struct world *w)
{
	return w->giver == MOVE_IDLE || w->giver == MOVE_BACK;
}

static void explore(struct world w);

static void
deliver_to_taker(struct world w)
{
	switch (pop(w.to_taker)) {
	case MOVE: {
		struct world fails = w;

		take(&fails, MOVE_ON_FAILED);
		explore(fails);
		take(&w, MOVE_ON_START);
		break;
	}
	case GO: take(&w, MOVE_ON_GO); break;
	case CANCEL: take(&w, MOVE_ON_CANCEL); break;
	default: return;
	}
	explore(w);
}

static void
deliver_to_giver(struct world w)
{
	switch (pop(w.to_giver)) {
	case TAKEN: give(&w, MOVE_ON_TAKEN); break;
	case REFUSED: give(&w, MOVE_ON_REFUSED); break;
	default: return;
	}
	explore(w);
}

static void
count_end(const struct world *w)
{
	bool gone = w->giver == MOVE_GONE;

	ended++;
	moved += gone && w->taker == MOVE_GONE;
	restored += w->giver == MOVE_BACK;
	/* Only where the connection between the nodes was lost behind GO. */
	if (gone && w->taker != MOVE_GONE) {
		assert_true(w->lost);
		died++;
	}
}

static void
explore(struct world w)
{
	struct world next;
	bool quiet = true;

	worlds++;
	assert_false(giver_speaks(&w) && w.taker == MOVE_GONE);
	if (w.to_taker[0] != NONE && !w.taker_knows) {
		quiet = false;
		deliver_to_taker(w);
	}
	if (w.to_giver[0] != NONE && !w.giver_knows) {
		quiet = false;
		deliver_to_giver(w);
	}
	if (w.giver == MOVE_SENT && !w.late) {
		next = w;
		next.late = true;
		give(&next, MOVE_ON_LATE);
		explore(next);
	}
	if (!w.lost) {
		next = w;
		next.lost = true;
		explore(next);
	}
	if (w.lost && !w.giver_knows) {
		next = w;
		next.giver_knows = true;
		give(&next, MOVE_ON_LOST);
		explore(next);
	}
	if (w.lost && !w.taker_knows && w.taker != MOVE_IDLE) {
		next = w;
		next.taker_knows = true;
		take(&next, MOVE_ON_LOST);
		explore(next);
	}
	if (quiet)
		count_end(&w);
}

static void
test_all_orders(void **state)
{
	struct world w = {0};

	(void)state;
	give(&w, MOVE_ON_START);
	explore(w);
	print_message("%u worlds, %u ends: %u moved, %u restored, %u died\n",
		worlds, ended, moved, restored, died);
	assert_true(moved && restored && died);
}

static void
test_nonsense(void **state)
{
	enum move_state s = MOVE_IDLE;

	(void)state;
	assert_int_equal(move_take(&s, MOVE_ON_GO), MOVE_NONSENSE);
	assert_int_equal(move_give(&s, MOVE_ON_TAKEN), MOVE_NONSENSE);
	assert_int_equal(s, MOVE_IDLE);
	s = MOVE_GONE;
	assert_int_equal(move_take(&s, MOVE_ON_GO), MOVE_NONSENSE);
	assert_int_equal(move_give(&s, MOVE_ON_TAKEN), MOVE_NONSENSE);
	assert_int_equal(s, MOVE_GONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_orders),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
