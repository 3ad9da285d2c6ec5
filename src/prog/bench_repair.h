#pragma once
/*
 * What the kernel alone takes to move a connection, on this machine: the calls
 * by which a socket is taken apart and put together again (handoff/repair.h),
 * without packets, messages, and all else that a move is.
 */

/* Microseconds of CPU for both; negative: it can't be told. Needs root. */
double bench_repair_us(void);
