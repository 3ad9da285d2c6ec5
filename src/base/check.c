#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void
check_failed(const char *expr, const char *file, int line, const char *func)
{
	fprintf(stderr, "panic: %s:%d: %s(): CHECK(%s) failed\n", file, line,
		func, expr);
	abort();
}
