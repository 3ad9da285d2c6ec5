/* What nodes tell of connections at once (handoff/notice.h), without who says
 * so: what is taken says the same when it is written again. */
#include "base/check.h"
#include "handoff/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of((const char *)data, size);
	static struct notice n;
	struct buf b = {0};

	if (!notice_parse(text, &n))
		return 0;
	notice_write(&n, &b);
	CHECK(str_eq(buf_view(&b), text));
	buf_fini(&b);
	return 0;
}
