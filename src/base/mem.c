#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (!p) {
		fprintf(stderr, "sevenfold: out of memory\n");
		abort();
	}
	return p;
}

void *
xmalloc(size_t n)
{
	return must(malloc(n ? n : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size ? size : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return must(realloc(p, n ? n : 1));
}

char *
xstrdup(const char *s)
{
	return must(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}
