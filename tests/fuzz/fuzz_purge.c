/*
 * A purge as a frame, and as a line of the admin socket. Held to: what is taken
 * is written back as the same frame; a URL's key means itself, and begins with
 * a host that has an end.
 */
#include "base/check.h"
#include "proxy/purge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_frame(struct str payload)
{
	struct buf b = {0};
	struct purge p;

	if (purge_parse(payload, &p)) {
		purge_put(&p, &b);
		CHECK(str_eq(buf_view(&b), payload));
	}
	buf_fini(&b);
}

static void
check_key(const struct purge *p)
{
	struct buf line = {0}, key = {0};
	struct purge again;

	buf_printf(&line, "%s %s %.*s", p->soft ? "soft" : "hard",
		p->kind == PURGE_KEY ? "url" : "prefix", STR_ARG(p->what));
	CHECK(!purge_parse_line(buf_view(&line), &key, &again));
	CHECK(again.kind == p->kind && again.soft == p->soft);
	CHECK(str_eq(again.what, p->what));
	CHECK(str_starts(p->what, STR("http://")));
	CHECK(memchr(p->what.p + 7, '/', p->what.n - 7));
	buf_fini(&key);
	buf_fini(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_of((const char *)data, size);
	struct buf key = {0};
	struct purge p;

	check_frame(s);
	if (!purge_parse_line(s, &key, &p) && p.kind != PURGE_TAG)
		check_key(&p);
	buf_fini(&key);
	return 0;
}
