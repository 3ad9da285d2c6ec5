#include "bench/ssim.h"

#include "http/test_head.h"

static void
paint(struct raster *r, uint32_t noise)
{
	uint32_t random = 1;

	assert_true(raster_init(r, 64, 48));
	for (unsigned i = 0; i < 64 * 48; i++) {
		uint32_t v = i % 64 * 3 + i / 64;

		random = random * 1664525 + 1013904223;
		v += noise ? (random >> 16) % noise : 0;
		r->picture.argb[i] = 0xff000000 | v << 16 | v << 8 | v;
	}
}

static void
test_order(void **state)
{
	struct raster a, little, much;

	(void)state;
	paint(&a, 0);
	paint(&little, 8);
	paint(&much, 40);
	assert_true(ssim(&a, &a) > 0.999999);
	assert_true(ssim(&a, &little) < 0.99);
	assert_true(ssim(&a, &little) > ssim(&a, &much) + 0.1);
	assert_true(ssim(&a, &much) > 0);
	raster_fini(&a);
	raster_fini(&little);
	raster_fini(&much);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
