#pragma once
/*
 * The protocol by which one node gives a client's connection to another, as two
 * state machines and nothing else: what each side does when something happens.
 *
 *	giver					taker
 *	parks the client's packets
 *	takes down what its socket is like
 *			── MOVE ──►
 *						puts it together, mute
 *			◄── TAKEN ──
 *	has its kernel forget the socket
 *	forwards the packets
 *			──  GO  ──►
 *						speaks
 *
 * The taker says nothing to the client before GO, and the giver, having said
 * that, never again: so there is never a moment in which both could, whatever
 * is late or lost. Until then the giver has its socket, as it was, and may go
 * on with it: when the taker says REFUSED, or nothing for too long, or is lost,
 * or if something has come after all that the taker does not know of; the taker
 * then throws away, mutely, what it has. If it is lost after GO, so is the
 * connection, as with any server that dies; and whichever of the two is left
 * has the client ask whose it is (steer_lost()), for who waits for an answer
 * says nothing by himself.
 *
 * tests/model/handoff.pml has the same two tables; spin looks at all orders in
 * which things can happen to them.
 */

enum move_state {
	MOVE_IDLE,
	MOVE_SENT, /* giver: MOVE has been sent */
	MOVE_HELD, /* taker: TAKEN has been sent */
	MOVE_GONE, /* giver: GO has been sent. taker: it is ours */
	MOVE_BACK, /* giver: it is ours again. taker: thrown away */
};

enum move_event {
	MOVE_ON_START,	 /* giver: it is to be moved. taker: MOVE has come */
	MOVE_ON_FAILED,	 /* our socket could not be taken apart, or parted
			    with in the end, or put together */
	MOVE_ON_TAKEN,	 /* giver: the taker has it */
	MOVE_ON_REFUSED, /* giver: the taker can't have it */
	MOVE_ON_LATE,	 /* giver: the taker has been silent for too long */
	MOVE_ON_GO,	 /* taker */
	MOVE_ON_CANCEL,	 /* taker: the giver has it again */
	MOVE_ON_LOST,	 /* the other node is lost */
};

enum move_action {
	MOVE_IGNORE,   /* it comes too late to matter */
	MOVE_SEND,     /* giver: say MOVE */
	MOVE_KEEP,     /* giver: nothing has happened, and nobody knows */
	MOVE_LET_GO,   /* giver: forward, say GO */
	MOVE_RESTORE,  /* giver: go on with it */
	MOVE_RECANT,   /* ... and say CANCEL */
	MOVE_HOLD,     /* taker: say TAKEN */
	MOVE_REFUSE,   /* taker: say REFUSED */
	MOVE_SPEAK,    /* taker: serve the client */
	MOVE_DISCARD,  /* taker: throw it away without a word to the client */
	MOVE_NONSENSE, /* the other node is not to be trusted */
};

/* What to do, and the state after it. */
enum move_action move_give(enum move_state *s, enum move_event e);
enum move_action move_take(enum move_state *s, enum move_event e);
