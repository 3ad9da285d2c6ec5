/* What anybody may send as a JPEG, to the distiller. */
#include "decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decoder_fuzz(TYPE_JPEG, data, size);
	return 0;
}
