#pragma once
/*
 * What the flight that an exchange reads has turned out to be, for this
 * exchange: whoever joined another's fetch did so before its head was there,
 * and looks then whether it is what he asked for. Pure; the flight's writer may
 * be in another thread.
 */
struct exchange;

enum outcome {
	OUTCOME_WAITING,  /* nothing has come */
	OUTCOME_READY,	  /* it is the answer */
	OUTCOME_FAILED,	  /* there is none */
	OUTCOME_INSTEAD,  /* what is stored is: confirmed, or as good as there
			     is */
	OUTCOME_ANOTHERS, /* it was for whoever asked first; not for us */
	OUTCOME_UNFIT,	  /* it is another variant than we asked for, or what we
			     would not have */
	OUTCOME_PART,	  /* it is a part, which others may have too: the answer
			     is made from it */
};

/* x has a flight. */
enum outcome outcome_of(const struct exchange *x);
