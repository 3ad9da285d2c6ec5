#pragma once
/* Addresses of both families in one form: see union l4_addr. */
#include "l4/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool addr_is4(const union l4_addr *a);
bool addr_same(const union l4_addr *a, const union l4_addr *b);
/* AF_INET, AF_INET6 */
uint8_t addr_family(const union l4_addr *a);
/* The address as its family writes it: so many bytes at addr_start(). */
size_t addr_bytes(const union l4_addr *a);
const void *addr_start(const union l4_addr *a);
/* False: not an address of that family. */
bool addr_from(int family, const void *bytes, size_t n, union l4_addr *out);
/* From text, without brackets. */
bool addr_parse(const char *text, union l4_addr *out);

struct addr_text {
	char z[48];
};
struct addr_text addr_text(const union l4_addr *a);
