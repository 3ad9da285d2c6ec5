/*
 * A header of the PROXY protocol. Held to: a verdict never changes when more
 * bytes arrive, and before the end of a good header it is always "more";
 * nothing is read outside; paths lie within the header.
 */
#include <stdlib.h>

#include "base/check.h"
#include "net/proxyproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_path(struct str header, struct str path)
{
	CHECK(path.p >= header.p && path.p + path.n <= header.p + header.n);
	CHECK(!path.n || !memchr(path.p, '\0', path.n));
}

static void
check_done(struct str in, const struct proxyproto *p)
{
	struct str header = str_of(in.p, p->bytes);

	CHECK(p->bytes >= 15 && p->bytes <= in.n);
	CHECK(p->bytes <= PROXYPROTO_MAX_BYTES);
	CHECK(in.p[0] == '\r' || p->bytes <= PROXYPROTO_MAX_LINE);
	CHECK(!p->local || p->family == PROXYPROTO_UNKNOWN);
	if (p->family == PROXYPROTO_UNIX) {
		check_path(header, p->source.path);
		check_path(header, p->destination.path);
	}
}

static void
check_prefix(
	struct str in, size_t n, enum proxyproto_result whole, size_t bytes)
{
	char *copy = malloc(n ? n : 1); /* so that overruns are seen */
	struct proxyproto p = {0};
	enum proxyproto_result r;

	if (n)
		memcpy(copy, in.p, n);
	r = proxyproto_parse(str_of(copy, n), &p);
	if (whole == PROXYPROTO_DONE)
		CHECK(r == (n < bytes ? PROXYPROTO_MORE : PROXYPROTO_DONE));
	else
		CHECK(r == PROXYPROTO_MORE || r == whole);
	CHECK(r != PROXYPROTO_DONE || p.bytes == bytes);
	CHECK(r == PROXYPROTO_DONE || p.bytes == 0);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct proxyproto p = {0};
	enum proxyproto_result r = proxyproto_parse(in, &p);
	size_t most = size < 130 ? size : 130;

	if (r == PROXYPROTO_DONE) {
		check_done(in, &p);
		check_prefix(in, p.bytes - 1, r, p.bytes);
		check_prefix(in, p.bytes, r, p.bytes);
	}
	for (size_t n = 0; n < most; n++)
		check_prefix(in, n, r, p.bytes);
	return 0;
}
