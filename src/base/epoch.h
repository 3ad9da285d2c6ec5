#pragma once
/*
 * When may memory be freed that others may still be reading without a lock?
 *
 * Readers look at shared structures between epoch_enter() and epoch_leave(),
 * which wait for nobody. Whoever takes something out of such a structure hands
 * it to epoch_retire(): it is freed when every reader that was inside by then
 * has left. (Quiescent-state reclamation; Hart et al., IPDPS 2006. In C11
 * atomics rather than liburcu's, for ThreadSanitizer to follow it.)
 *
 * What a reader follows, and what a remover overwrites, must be atomics with
 * the default, sequentially consistent order.
 */

/* Sections do not nest. Any thread; the first call registers it. */
void epoch_enter(void);
void epoch_leave(void);
/* p is out of all structures. fn(p) is called later, by any thread; it may
 * not retire more. */
void epoch_retire(void *p, void (*fn)(void *p));
/* Frees what is waiting. Nobody is inside. */
void epoch_drain(void);
