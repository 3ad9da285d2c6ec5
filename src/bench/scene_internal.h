#pragma once
/*
 * struct scene, for its own files only. Coordinates: u to the right and v down,
 * in heights of the picture. From far to near: the sky with its sun and clouds
 * (scene_sky.c); ridges, each a line of crests (v as a function of u), paler
 * the farther away they are (scene_land.c); a lake that mirrors what is above;
 * a bank with trees (scene.c).
 */
#include "bench/noise.h"
#include "bench/scene.h"

#include <math.h>
#include <stdbool.h>

enum { RIDGES = 7 };

struct scene_noise {
	struct field soft, ridged;
};

/* Colours as 0xRRGGBB. */
struct palette {
	uint32_t top, middle, low; /* of the sky, downwards */
	uint32_t sun;
	uint32_t cloud;	  /* its shaded side */
	uint32_t haze;	  /* what distance fades into */
	uint32_t near;	  /* the nearest ridge */
	float glow;	  /* around the sun */
	float sun_radius; /* heights */
	float sun_v[2];	  /* where it stands: from, to */
	float clouds;	  /* how much of the sky they cover, about */
	float snow;	  /* brightness */
	float fog;	  /* in the valleys */
	bool stars;
};

struct scene {
	const struct scene_noise *noise; /* borrowed */
	const struct palette *palette;
	struct image *m; /* borrowed */
	uint64_t seed;
	struct rgb top, middle, low, sun, cloud, haze, near;
	float sun_u, sun_v;
	float horizon; /* v where the ridges end, or the lake begins */
	bool lake;
	float shift;   /* where in the noise this scene lies */
	float *crests; /* owned: v of ridge k at column x: [k * width + x] */
	struct rgb ridge[RIDGES];
	float *swells; /* owned: the same without detail, where mist lies */
	float highest[RIDGES]; /* the least v of a ridge */
};

static inline float
clamp01(float v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static inline float
step_between(float from, float to, float v)
{
	float t = clamp01((v - from) / (to - from));

	return t * t * (3 - 2 * t);
}

static inline float
between(float from, float to, float t)
{
	return from + (to - from) * t;
}

static inline float
random_of(const struct scene *s, uint32_t what)
{
	return noise_hash(s->seed, 77000 + what);
}

/* 1 left of the sun, -1 right of it */
static inline float
side_of_sun(const struct scene *s, float u)
{
	float d = (s->sun_u - u) * 8;

	return d < -1 ? -1 : d > 1 ? 1 : d;
}

/* The sky at (u, v). */
struct rgb scene_sky(const struct scene *s, float u, float v);

/* Fills what the scene has of each ridge. */
void scene_raise_ridges(struct scene *s);
/* The ridges at (u, v), which is in column x, from the nearest on backwards,
 * and the sky behind what they leave uncovered. */
struct rgb scene_land(const struct scene *s, unsigned x, float u, float v);
