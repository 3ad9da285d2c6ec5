#pragma once
/*
 * Memory that must be there. Start-up code and small control objects use
 * these; they end the process when the system has no memory left, which on
 * Linux means that it was about to be ended anyway. Sizes that outsiders
 * choose (bodies) go through the cache's budget instead.
 */
#include <stddef.h>

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *
xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
/* a formatted string, to be freed by the caller */
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#define NEW(type) ((type *)xcalloc(1, sizeof(type)))
