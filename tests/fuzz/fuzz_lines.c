/*
 * Heads as other nodes shorten them (proxy/lines.h). Held to: what is
 * understood is no longer than allowed; and of two further ends, what one says
 * of it the other understands, twice, and the second time it is shorter.
 */
#include "base/check.h"
#include "proxy/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 4096 };

static size_t
say(struct lines *ours, struct lines *theirs, struct str text)
{
	struct buf packed = {0}, out = {0};
	size_t n;

	lines_put(ours, text, &packed);
	CHECK(lines_take(theirs, buf_view(&packed), text.n, &out));
	CHECK(str_eq(buf_view(&out), text));
	n = buf_len(&packed);
	buf_fini(&packed);
	buf_fini(&out);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines *l = lines_new(), *ours = lines_new(),
		     *theirs = lines_new();
	struct buf text = {0};

	if (lines_take(l, str_of((const char *)data, size), MOST, &text)) {
		size_t first = say(ours, theirs, buf_view(&text));

		CHECK(say(ours, theirs, buf_view(&text)) <= first);
	}
	CHECK(buf_len(&text) <= MOST);
	buf_fini(&text);
	lines_free(l);
	lines_free(ours);
	lines_free(theirs);
	return 0;
}
