#pragma once
/*
 * Addresses of clients and of ours: of IPv6, or of IPv4 and then mapped
 * (RFC 4291, 2.5.5.2).
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static inline struct in6_addr
addr_mapped(struct in_addr v4)
{
	struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&a.s6_addr[12], &v4, sizeof(v4));
	return a;
}

static inline bool
addr_is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

/* Of one that is mapped. */
static inline struct in_addr
addr_v4(const struct in6_addr *a)
{
	struct in_addr v4;

	memcpy(&v4, &a->s6_addr[12], sizeof(v4));
	return v4;
}
