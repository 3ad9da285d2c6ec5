/* What nodes claim of connections (handoff/claims.h), without who says so: what
 * is taken says the same when it is written and read again. */
#include "base/check.h"
#include "handoff/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = {0}, second = {0};
	static struct claims c;

	if (!claims_parse(str_of((const char *)data, size), &c))
		return 0;
	claims_put(&c, &first);
	CHECK(claims_parse(buf_view(&first), &c));
	claims_put(&c, &second);
	CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}
