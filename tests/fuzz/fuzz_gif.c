/* What anybody may send as a GIF, to the distiller. */
#include "decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decoder_fuzz(TYPE_GIF, data, size);
	return 0;
}
