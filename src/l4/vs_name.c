#include "l4/vs_name.h"

#include "base/mem.h"
#include "l4/addr.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names
 * ---------------------------------------------------------------------- */

struct vs_name
vs_end_name(const union l4_addr *a, uint16_t port)
{
	struct vs_name n;

	snprintf(n.z, sizeof(n.z), addr_is4(a) ? "%s:%u" : "[%s]:%u",
		addr_text(a).z, port);
	return n;
}

const char *
vs_proto_name(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "TCP" : "UDP";
}

static unsigned
mask_bits(const union l4_addr *m)
{
	const uint8_t *p = (const uint8_t *)m;
	unsigned bits = 0;

	while (bits < 128 && p[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

/* " mask M" or " -M M", unless it's the whole address. */
void
vs_put_mask(const struct rules_service *s, const char *before, struct buf *out)
{
	union l4_addr m = s->mask;

	if (mask_bits(&m) == 128)
		return;
	if (s->id.v6) {
		buf_printf(out, "%s%u", before, mask_bits(&m));
		return;
	}
	m.w[2] = htonl(0xffff);
	m.w[0] = m.w[1] = 0;
	buf_printf(out, "%s%s", before, addr_text(&m).z);
}

/* "sh-fallback,sh-port" */
struct vs_name
vs_flag_names(const struct rules_service *s)
{
	const char *sh = s->scheduler == L4_sh ? "sh-" : "mh-";
	bool hash = s->scheduler == L4_sh || s->scheduler == L4_mh;
	bool back = s->flags & L4_HASH_FALLBACK, port = s->flags & L4_HASH_PORT;
	struct vs_name n = {""};

	if (hash)
		snprintf(n.z, sizeof(n.z), "%s%s%s%s%s", back ? sh : "",
			back ? "fallback" : "", back && port ? "," : "",
			port ? sh : "", port ? "port" : "");
	else
		snprintf(n.z, sizeof(n.z), "%s%s%s", back ? "flag-1" : "",
			back && port ? "," : "", port ? "flag-2" : "");
	return n;
}

/* --- order
 * ------------------------------------------------------------------------ */

static int
compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int
vs_compare_services(const void *pa, const void *pb)
{
	const struct rules_id *a = &(*(struct rules_service *const *)pa)->id;
	const struct rules_id *b = &(*(struct rules_service *const *)pb)->id;
	int r = compare_u64(a->mark, b->mark);

	r = r ? r : compare_u64(a->v6, b->v6);
	r = r ? r : compare_u64(a->proto, b->proto);
	r = r ? r : memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : compare_u64(a->port, b->port);
}

int
vs_compare_servers(const void *pa, const void *pb)
{
	const struct rules_server *a = *(struct rules_server *const *)pa;
	const struct rules_server *b = *(struct rules_server *const *)pb;
	int r = compare_u64(addr_is4(&b->addr), addr_is4(&a->addr));

	r = r ? r : memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : compare_u64(a->port, b->port);
}

/* Pointers to n elements of a size, in order; owned by the caller. */
void **
vs_sorted(void *v, size_t n, size_t size,
	int (*compare)(const void *, const void *))
{
	void **p = xcalloc(n + 1, sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = (char *)v + i * size;
	if (compare)
		qsort(p, n, sizeof(*p), compare);
	return p;
}
