/* Lists of files: whatever is read can be picked from, or has a mistake that
 * can be told. */
#include "base/check.h"
#include "bench/mix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mix_mistake mistake = {0};
	struct mix m = {0};

	if (mix_parse(&m, str_of((const char *)data, size), 1, &mistake)) {
		CHECK(m.catalog.nobjects > 0);
		CHECK(mix_mean_bytes(&m) >= 0);
		for (unsigned i = 0; i < 10; i++) {
			struct play_step step = {0};

			CHECK(mix_order(&m, 0, &step));
			CHECK(step.request.object < m.catalog.nobjects);
			CHECK(m.weights[step.request.object] > 0);
		}
	} else {
		CHECK(mistake.what);
	}
	mix_fini(&m);
	return 0;
}
