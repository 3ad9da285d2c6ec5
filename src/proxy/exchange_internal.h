#pragma once
/*
 * struct exchange, for its own files only: exchange.c is its life and what it
 * reads, exchange_start.c decides what that is, exchange_peer.c hears what a
 * peer has to say.
 */
#include "proxy/exchange.h"

/* It reads nothing any more, nor waits for anything. */
void exchange_leave_answer(struct exchange *x);
/* Decides where the answer is to come from. */
void exchange_restart(struct exchange *x);
