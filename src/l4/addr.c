#include "l4/addr.h"

#include <arpa/inet.h>
#include <string.h>

bool
addr_is4(const union l4_addr *a)
{
	return !a->w[0] && !a->w[1] && a->w[2] == htonl(0xffff);
}

bool
addr_same(const union l4_addr *a, const union l4_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint8_t
addr_family(const union l4_addr *a)
{
	return addr_is4(a) ? AF_INET : AF_INET6;
}

size_t
addr_bytes(const union l4_addr *a)
{
	return addr_is4(a) ? 4 : 16;
}

const void *
addr_start(const union l4_addr *a)
{
	return addr_is4(a) ? (const void *)&a->w[3] : a;
}

bool
addr_from(int family, const void *bytes, size_t n, union l4_addr *out)
{
	if (family == AF_INET && n == 4) {
		*out = (union l4_addr){.w = {0, 0, htonl(0xffff), 0}};
		memcpy(&out->w[3], bytes, 4);
		return true;
	}
	if (family != AF_INET6 || n != 16)
		return false;
	memcpy(out, bytes, 16);
	return true;
}

bool
addr_parse(const char *text, union l4_addr *out)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return addr_from(AF_INET, bytes, 4, out);
	return inet_pton(AF_INET6, text, bytes) == 1 &&
		addr_from(AF_INET6, bytes, 16, out);
}

struct addr_text
addr_text(const union l4_addr *a)
{
	struct addr_text t = {""};

	(void)inet_ntop(addr_family(a), addr_start(a), t.z, sizeof(t.z));
	return t;
}
