#include "handoff/move.h"

#include <stddef.h>

struct rule {
	enum move_state in;
	enum move_event on;
	enum move_action action;
	enum move_state then;
};

static const struct rule giving[] = {
	{MOVE_IDLE, MOVE_ON_START, MOVE_SEND, MOVE_SENT},
	{MOVE_IDLE, MOVE_ON_FAILED, MOVE_KEEP, MOVE_IDLE},
	{MOVE_SENT, MOVE_ON_TAKEN, MOVE_LET_GO, MOVE_GONE},
	{MOVE_SENT, MOVE_ON_REFUSED, MOVE_RESTORE, MOVE_BACK},
	{MOVE_SENT, MOVE_ON_FAILED, MOVE_RECANT, MOVE_BACK},
	{MOVE_SENT, MOVE_ON_LATE, MOVE_RECANT, MOVE_BACK},
	{MOVE_SENT, MOVE_ON_LOST, MOVE_RESTORE, MOVE_BACK},
	/* It crossed with our CANCEL. */
	{MOVE_BACK, MOVE_ON_TAKEN, MOVE_IGNORE, MOVE_BACK},
	{MOVE_BACK, MOVE_ON_REFUSED, MOVE_IGNORE, MOVE_BACK},
	{MOVE_BACK, MOVE_ON_LATE, MOVE_IGNORE, MOVE_BACK},
	{MOVE_BACK, MOVE_ON_LOST, MOVE_IGNORE, MOVE_BACK},
	{MOVE_GONE, MOVE_ON_LATE, MOVE_IGNORE, MOVE_GONE},
	{MOVE_GONE, MOVE_ON_LOST, MOVE_IGNORE, MOVE_GONE},
};

static const struct rule taking[] = {
	{MOVE_IDLE, MOVE_ON_START, MOVE_HOLD, MOVE_HELD},
	{MOVE_IDLE, MOVE_ON_FAILED, MOVE_REFUSE, MOVE_BACK},
	{MOVE_HELD, MOVE_ON_GO, MOVE_SPEAK, MOVE_GONE},
	{MOVE_HELD, MOVE_ON_CANCEL, MOVE_DISCARD, MOVE_BACK},
	{MOVE_HELD, MOVE_ON_LOST, MOVE_DISCARD, MOVE_BACK},
	/* It crossed with our REFUSED. */
	{MOVE_BACK, MOVE_ON_CANCEL, MOVE_IGNORE, MOVE_BACK},
	{MOVE_BACK, MOVE_ON_LOST, MOVE_IGNORE, MOVE_BACK},
	{MOVE_GONE, MOVE_ON_LOST, MOVE_IGNORE, MOVE_GONE},
};

static enum move_action
look_up(const struct rule *rules, size_t n, enum move_state *s,
	enum move_event e)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].in == *s && rules[i].on == e) {
			*s = rules[i].then;
			return rules[i].action;
		}
	return MOVE_NONSENSE;
}

enum move_action
move_give(enum move_state *s, enum move_event e)
{
	return look_up(giving, sizeof(giving) / sizeof(giving[0]), s, e);
}

enum move_action
move_take(enum move_state *s, enum move_event e)
{
	return look_up(taking, sizeof(taking) / sizeof(taking[0]), s, e);
}
