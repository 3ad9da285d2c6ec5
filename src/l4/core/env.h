#pragma once
/*
 * The ground on which the packet core stands, twice: in the kernel, where it
 * is an XDP program over BPF maps, and natively, where it is the model that
 * the program is compared with, and what sweeps the program's maps from its
 * process. Natively the maps are those of l4_image, a variable of the thread.
 *
 *	at_NAME(i)	element i of a map, or NULL
 *	frame_at()	n bytes of the frame, or NULL when they are not there
 *	frame_grow(), frame_cut(), clock_ticks(), this_cpu()
 */
#include "l4/abi.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __bpf__

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define L4_FRAME struct xdp_md
/* A function that the verifier looks at once, for whatever it's called with: it
 * takes numbers and pointers that may be NULL, and returns a number. */
#define L4_STEP __attribute__((noinline))

#define MAP(name, type_, n)                              \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_ARRAY);        \
		__uint(map_flags, BPF_F_MMAPABLE);       \
		__uint(max_entries, n);                  \
		__type(key, __u32);                      \
		__type(value, type_);                    \
	} name SEC(".maps");                             \
	static __always_inline type_ *at_##name(__u32 i) \
	{                                                \
		return bpf_map_lookup_elem(&name, &i);   \
	}
#include "l4/maps.def"
#undef MAP

static __always_inline void *
frame_at(L4_FRAME *f, __u32 off, __u32 n)
{
	char *p = (char *)(unsigned long)f->data + off;

	/* Or clang joins several checks into one that the verifier can't
	 * follow. */
	__asm__ volatile("" : "+r"(p));
	if (p + n > (char *)(unsigned long)f->data_end)
		return NULL;
	return p;
}

/* Ethernet addresses lie at multiples of 2. XDP is for CPUs that don't mind. */
static __always_inline void
mac_copy(void *to, const void *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	((__u16 *)to)[2] = ((const __u16 *)from)[2];
}

static __always_inline bool
mac_same(const void *a, const void *b)
{
	return *(const __u32 *)a == *(const __u32 *)b &&
		((const __u16 *)a)[2] == ((const __u16 *)b)[2];
}

static __always_inline __u32
frame_len(L4_FRAME *f)
{
	return f->data_end - f->data;
}

/* n bytes more in front; all pointers into the frame are void then. */
static __always_inline bool
frame_grow(L4_FRAME *f, int n)
{
	return bpf_xdp_adjust_head(f, -n) == 0;
}

/* n bytes less at the end. */
static __always_inline bool
frame_cut(L4_FRAME *f, int n)
{
	return bpf_xdp_adjust_tail(f, -n) == 0;
}

/* The clock is read once a jiffy, which themselves are no more than a load:
 * where a CPU may not guess where functions return to, a call is dear. */
static __always_inline __u32
clock_ticks(struct l4_tally *t)
{
	__u64 jiffies = bpf_jiffies64();

	if (t->jiffies != jiffies) {
		t->jiffies = jiffies;
		t->ticks = bpf_ktime_get_coarse_ns() >> L4_TICK_SHIFT;
	}
	return t->ticks;
}

static __always_inline __u32
this_cpu(void)
{
	return bpf_get_smp_processor_id();
}

#else

#include "l4/image.h"
#include "l4/core/native.h"

#endif

/* Keeps the compiler from moving stores to shared memory. */
#define l4_barrier() __asm__ volatile("" ::: "memory")
