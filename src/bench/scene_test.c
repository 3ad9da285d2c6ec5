/* The painter and the JPEG files it ends in, at a size that is quick. */
#include "bench/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WIDTH = 60, HEIGHT = 40 };

static void
a_scene_is_a_function_of_seed_and_light(void **state)
{
	struct scene_noise *n = scene_noise_new();
	struct image a, b;
	size_t size = WIDTH * HEIGHT * sizeof(struct rgb);

	image_init(&a, WIDTH, HEIGHT);
	image_init(&b, WIDTH, HEIGHT);
	for (unsigned light = 0; light < SCENE_LIGHTS; light++)
		for (uint64_t seed = 0; seed < 8; seed++) {
			scene_paint(n, seed, light, &a);
			scene_paint(n, seed, light, &b);
			assert_memory_equal(a.px, b.px, size);
			scene_paint(n, seed + 1, light, &b);
			assert_true(memcmp(a.px, b.px, size) != 0);
			for (size_t i = 0; i < WIDTH * HEIGHT; i++)
				assert_true(a.px[i].g > -1 && a.px[i].g < 4);
		}
	image_fini(&a);
	image_fini(&b);
	scene_noise_free(n);
}

static void
shrinking_takes_the_mean(void **state)
{
	struct image m, half;

	image_init(&m, 4, 2);
	for (unsigned i = 0; i < 8; i++)
		m.px[i] = (struct rgb){(float)i, 1, 0};
	image_shrink(&m, 2, &half);
	assert_int_equal(half.width, 2);
	assert_int_equal(half.height, 1);
	assert_true(half.px[0].r == (0 + 1 + 4 + 5) / 4.0f);
	assert_true(half.px[1].r == (2 + 3 + 6 + 7) / 4.0f);
	assert_true(half.px[1].g == 1 && half.px[1].b == 0);
	image_fini(&m);
	image_fini(&half);
}

static void
a_jpeg_is_whole_and_reproducible(void **state)
{
	char path[] = "/tmp/sevenfold-album-XXXXXX";
	unsigned char first[20000], again[20000];
	struct image m;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	image_init(&m, WIDTH, HEIGHT);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		m.px[i] = (struct rgb){.5f, (float)i / (WIDTH * HEIGHT), 2};
	assert_int_equal(image_write_jpeg(&m, path, 90, 7), 0);
	ssize_t n = pread(fd, first, sizeof(first), 0);
	assert_true(n > 100);
	assert_memory_equal(first, "\xff\xd8", 2);
	assert_memory_equal(first + n - 2, "\xff\xd9", 2);
	assert_int_equal(image_write_jpeg(&m, path, 90, 7), 0);
	assert_int_equal(pread(fd, again, sizeof(again), 0), n);
	assert_memory_equal(first, again, (size_t)n);
	assert_true(image_write_jpeg(&m, "/nowhere/a.jpg", 90, 7) < 0);
	image_fini(&m);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scene_is_a_function_of_seed_and_light),
		cmocka_unit_test(shrinking_takes_the_mean),
		cmocka_unit_test(a_jpeg_is_whole_and_reproducible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
