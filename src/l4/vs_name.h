#pragma once
/* How `sevenfold vs` writes services' parts, and in which order. */
#include "base/buf.h"
#include "l4/rules.h"

struct vs_name {
	char z[80];
};

struct vs_long_name {
	char z[96];
};

struct vs_name vs_end_name(const union l4_addr *a, uint16_t port);
const char *vs_proto_name(uint8_t proto);
/* The mask, after `before`; nothing if it's the whole address. */
void
vs_put_mask(const struct rules_service *s, const char *before, struct buf *out);
/* "sh-fallback,sh-port" */
struct vs_name vs_flag_names(const struct rules_service *s);

/* Pointers to n elements of a size, in order (NULL: as they are); owned by the
 * caller. */
void **vs_sorted(void *v, size_t n, size_t size,
	int (*compare)(const void *, const void *));
int vs_compare_services(const void *pa, const void *pb);
int vs_compare_servers(const void *pa, const void *pb);
