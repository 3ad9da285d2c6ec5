#pragma once
/*
 * Photographs that nobody took: mountains in six lights, with mist in the
 * valleys, lakes and trees. A scene is a function of its seed and light and
 * looks the same at any size.
 */
#include "bench/image.h"

#include <stdint.h>

enum scene_light {
	SCENE_DAWN,
	SCENE_DAY,
	SCENE_GOLD,
	SCENE_DUSK,
	SCENE_MOON,
	SCENE_MIST,
	SCENE_LIGHTS
};

/* Noise that all scenes share; read-only once made, for any thread. */
struct scene_noise;
struct scene_noise *scene_noise_new(void);
void scene_noise_free(struct scene_noise *n);

/* Paints all of *out, which has been image_init()ed. */
void scene_paint(const struct scene_noise *n, uint64_t seed,
	enum scene_light light, struct image *out);
