/* What peers say of their load and their hot keys (proxy/news.h): what is taken
 * is written as it was read. */
#include "base/check.h"
#include "proxy/news.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str payload = str_of((const char *)data, size);
	struct buf b = {0};
	struct news n;

	if (!news_parse(payload, &n))
		return 0;
	news_put(&n, &b);
	CHECK(str_eq(buf_view(&b), payload));
	buf_fini(&b);
	return 0;
}
