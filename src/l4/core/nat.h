#pragma once
/*
 * Network address translation: other addresses and ports in a packet's
 * headers, with the checksums changed to match and never computed anew.
 */
#include "l4/core/sum.h"

/* The addresses in the IP header at p->ip, and, in IPv4, its checksum. */
static __always_inline bool
l4_rewrite_ip(
	L4_FRAME *f, const struct l4_packet *p, const struct l4_rewrite *r)
{
	struct iphdr *ip4;
	struct ipv6hdr *ip6;

	if (p->family == 4) {
		ip4 = frame_at(f, p->ip & L4_OFF_MASK, sizeof(*ip4));
		if (!ip4)
			return false;
		if (r->source)
			ip4->saddr = r->to.w[3];
		else
			ip4->daddr = r->to.w[3];
		ip4->check = l4_sum_patch(
			ip4->check, l4_sum_change(&r->from, &r->to));
		return true;
	}
	ip6 = frame_at(f, p->ip & L4_OFF_MASK, sizeof(*ip6));
	if (!ip6)
		return false;
	__builtin_memcpy(r->source ? &ip6->saddr : &ip6->daddr, &r->to, 16);
	return true;
}

/* What the rewriting adds to a checksum over the pseudo header and the port. */
static __always_inline __u64
l4_rewrite_change(const struct l4_rewrite *r)
{
	return l4_sum_change(&r->from, &r->to) + (__u16)~r->from_port +
		r->to_port;
}

/* The port in the TCP or UDP header at p->off; and, but in a quoted packet,
 * of which only 8 bytes may be there, the checksum. */
static __always_inline bool
l4_rewrite_port(
	L4_FRAME *f, const struct l4_packet *p, const struct l4_rewrite *r)
{
	__u32 off = p->off & L4_OFF_MASK;
	__u16 *port = frame_at(f, off + (r->source ? 0 : 2), 2), *check;
	__u16 sum;

	if (!port)
		return false;
	*port = r->to_port;
	if (p->proto == IPPROTO_TCP)
		check = frame_at(f, off + 16, 2);
	else
		check = frame_at(f, off + 6, 2);
	if (!check || (p->proto == IPPROTO_UDP && !*check))
		return true; /* not there, or not used */
	sum = l4_sum_patch(*check, l4_rewrite_change(r));
	if (p->proto == IPPROTO_UDP && !sum)
		sum = 0xffff;
	*check = sum;
	return true;
}

/* A whole packet's end. */
static __always_inline bool
l4_rewrite(L4_FRAME *f, const struct l4_packet *p, const struct l4_rewrite *r)
{
	if (!l4_rewrite_ip(f, p, r))
		return false;
	return p->fragment == L4_LATER || l4_rewrite_port(f, p, r);
}

/*
 * Of an ICMP error (r is turned round on the way): the outer packet's end, and
 * the quoted packet's other end, which is the same address. In a quoted packet
 * only the port changes beside it, since its own checksum may not be there; and
 * in IPv4, where the header's checksum makes up for the address, only the
 * port's change shows in the ICMP checksum. In IPv6 that covers both addresses.
 */
L4_STEP int
l4_rewrite_icmp(L4_FRAME *f, const struct l4_packet *outer,
	const struct l4_packet *inner, struct l4_rewrite *r)
{
	__u64 change;
	__u16 *port, *check;

	if (!outer || !inner || !r)
		return false;
	change = (__u64)(__u16)~r->from_port + r->to_port;
	if (outer->family == 6)
		change += 2 * l4_sum_change(&r->from, &r->to);
	if (!l4_rewrite_ip(f, outer, r))
		return false;
	r->source = !r->source;
	if (!l4_rewrite_ip(f, inner, r))
		return false;
	port = frame_at(f, (inner->off & L4_OFF_MASK) + (r->source ? 0 : 2), 2);
	if (!port)
		return false;
	*port = r->to_port;
	check = frame_at(f, (outer->off & L4_OFF_MASK) + 2, 2);
	if (!check)
		return false;
	*check = l4_sum_patch(*check, change);
	return true;
}
