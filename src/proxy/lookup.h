#pragma once
/*
 * How the owner of a key, or who is in the owner's place, answers an exchange:
 * with what is stored (a hit), from somebody else's fetch (it joins), by a
 * fetch that others may join (a miss), by one that nobody waits for, or past
 * the cache (it passes). Each way is taken, and counted, before these return;
 * exchange_phase() says how far it has led.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct flight;
struct object;

/* Which way depends on what is stored for x's key, and on what x says about
 * that. */
void lookup(struct exchange *x);
/* Asks the origin, and stores nothing. */
void lookup_pass(struct exchange *x);
/* Waits for f, of which the reference is taken over; it passes when it is too
 * late for f, or that takes too long. */
void lookup_join(struct exchange *x, struct flight *f);

/* Two nodes that disagree for a moment on whose a key is may ask each other,
 * and wait for each other's flight f: one of them has to stop. Should x? */
bool lookup_would_wait(const struct exchange *x, const struct flight *f);

/* x is answered so: counts it, n times. What is for a peer's cache is no
 * client's request, and counted apart. */
void lookup_tally(struct exchange *x, _Atomic uint64_t *kind, uint64_t n);

/* It has not been served after all: a hit, or what joined or missed. */
void lookup_uncount(struct exchange *x);
/* What x waited for is not for it: it passes. */
void lookup_repass(struct exchange *x);
/* ... or is another variant: looks once more, but not for ever. */
void lookup_again(struct exchange *x);

/* Will what is stored do, should the origin fail? */
bool lookup_is_reserve(const struct exchange *x, const struct object *o);
