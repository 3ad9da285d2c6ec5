/* What an image says of itself first: held to sizes that are sizes. */
#include "base/check.h"
#include "distill/codec.h"
#include "distill/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	unsigned turn = exif_orientation(in);
	struct sniff s;

	CHECK(turn >= 1 && turn <= 8);
	if (sniff(in, &s))
		CHECK(s.width && s.height && s.type != TYPE_NONE);
	return 0;
}
