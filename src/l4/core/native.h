#pragma once
/* The native half of env.h. */
#include "base/clock.h"
#include "l4/image.h"

#include <arpa/inet.h>
/* the C library's before the kernel's, which then leaves out what is there */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define L4_STEP static __attribute__((unused))

/* libbpf's are macros whose results are ints. */
static __always_inline __u16
bpf_htons(__u16 v)
{
	return htons(v);
}

static __always_inline __u16
bpf_ntohs(__u16 v)
{
	return ntohs(v);
}

static __always_inline __u32
bpf_htonl(__u32 v)
{
	return htonl(v);
}

static __always_inline __u32
bpf_ntohl(__u32 v)
{
	return ntohl(v);
}

/* A frame in a buffer with room before it. */
struct l4_frame {
	unsigned char *room, *data, *end;
};
#define L4_FRAME struct l4_frame

extern _Thread_local struct l4_image *l4_image; /* borrowed */

#define MAP(name, type, n)                                                 \
	static __always_inline type *at_##name(__u32 i)                    \
	{                                                                  \
		return i < l4_image->n_##name ? &l4_image->name[i] : NULL; \
	}
#include "l4/maps.def"
#undef MAP

static __always_inline void *
frame_at(const struct l4_frame *f, __u32 off, __u32 n)
{
	return off + n <= (size_t)(f->end - f->data) ? f->data + off : NULL;
}

static __always_inline void
mac_copy(void *to, const void *from)
{
	__builtin_memcpy(to, from, 6);
}

static __always_inline bool
mac_same(const void *a, const void *b)
{
	return __builtin_memcmp(a, b, 6) == 0;
}

static __always_inline __u32
frame_len(const struct l4_frame *f)
{
	return (__u32)(f->end - f->data);
}

static __always_inline bool
frame_grow(struct l4_frame *f, int n)
{
	if (f->data - f->room < n)
		return false;
	f->data -= n;
	return true;
}

static __always_inline bool
frame_cut(struct l4_frame *f, int n)
{
	if (f->end - f->data < n + 14)
		return false;
	f->end -= n;
	return true;
}

static __always_inline __u32
clock_ticks(struct l4_tally *t)
{
	(void)t;
	return (__u32)(clock_mono_ns() >> L4_TICK_SHIFT);
}

static __always_inline __u32
this_cpu(void)
{
	return 0;
}
