/* What anybody may send as a WebP, to the distiller. */
#include "decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decoder_fuzz(TYPE_WEBP, data, size);
	return 0;
}
