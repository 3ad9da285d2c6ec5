/* What nodes tell the balancer of the cluster (placement/census.h): what is
 * taken says the same when it is written and read again. */
#include "base/check.h"
#include "placement/census.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = {0}, second = {0};
	struct census c;

	if (!census_parse(str_of((const char *)data, size), &c))
		return 0;
	census_put(&c, &first);
	CHECK(census_parse(buf_view(&first), &c));
	census_put(&c, &second);
	CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}
