#pragma once
/* The Internet checksum (RFC 1071), and changing one (RFC 1624). */
#include "l4/core/job.h"

static __always_inline __u16
l4_sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __always_inline __u64
l4_sum_addr(const union l4_addr *a)
{
	if (l4_is4(a))
		return a->w[3];
	return (__u64)a->w[0] + a->w[1] + a->w[2] + a->w[3];
}

/* What an address's change adds to sums over it. */
static __always_inline __u64
l4_sum_change(const union l4_addr *old, const union l4_addr *new)
{
	if (l4_is4(old))
		return (__u64)(__u32)~old->w[3] + new->w[3];
	return (__u64)(__u32)~old->w[0] + (__u32)~old->w[1] +
		(__u32)~old->w[2] + (__u32)~old->w[3] + l4_sum_addr(new);
}

/* The checksum field's new value when what it covers changes by `change`. */
static __always_inline __u16
l4_sum_patch(__u16 check, __u64 change)
{
	return (__u16)~l4_sum_fold((__u16)~check + change);
}

/* ... an IPv4 header's, when the time to live is counted down (RFC 1141). */
static __always_inline __u16
l4_sum_hop(__u16 check)
{
	__u32 sum = check + bpf_htons(0x0100);

	return (__u16)(sum + ((sum + 1) >> 16));
}

#define L4_SUM_MAX 128

/* n bytes at off, n a multiple of 4 that is at most L4_SUM_MAX. */
static __always_inline __u64
l4_sum_frame(L4_FRAME *f, __u32 off, __u32 n)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < L4_SUM_MAX; i += 4) {
		__u32 *w = i < n ? frame_at(f, off + i, 4) : NULL;

		if (!w)
			break;
		sum += *w;
	}
	return sum;
}
