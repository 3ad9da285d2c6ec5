#pragma once
/*
 * For memory that we hand out ourselves: in builds with AddressSanitizer, what
 * is not in use must not be touched. Elsewhere these do nothing.
 */
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>

static inline void
poison(void *p, size_t n)
{
	__asan_poison_memory_region(p, n);
}

static inline void
unpoison(void *p, size_t n)
{
	__asan_unpoison_memory_region(p, n);
}
#else
static inline void
poison(void *p, size_t n)
{
	(void)p, (void)n;
}

static inline void
unpoison(void *p, size_t n)
{
	(void)p, (void)n;
}
#endif
