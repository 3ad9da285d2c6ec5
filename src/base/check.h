#pragma once
/*
 * Assertions that stay on.
 *
 * CHECK() is for bugs: a condition that our own code promised. When it fails
 * the process says where, and aborts. DCHECK() is the same for conditions
 * that cost too much to test in a release build. Neither ever sees a byte
 * from the wire, a file or a user: bad input is an outcome, not a bug.
 */
#include <assert.h>

_Noreturn void
check_failed(const char *expr, const char *file, int line, const char *func);

#define CHECK(e)                    \
	(__builtin_expect(!!(e), 1) \
			? (void)0   \
			: check_failed(#e, __FILE__, __LINE__, __func__))

#ifdef NDEBUG
#define DCHECK(e) ((void)sizeof(!!(e)))
#else
#define DCHECK(e) CHECK(e)
#endif
