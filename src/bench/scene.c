#include "bench/scene_internal.h"

#include "base/mem.h"

#include <stdlib.h>

static const struct palette palettes[SCENE_LIGHTS] = {
	[SCENE_DAWN] = {0x46548c, 0xc98fa6, 0xffd2a8, 0xffe2bc, 0x7d6a94,
		0xe0a99f, 0x2b2740, .75f, .022f, {.36f, .5f}, .50f, .95f, .8f},
	[SCENE_DAY] = {0x2f6fb5, 0x7fb2dd, 0xd6e8f2, 0xfffbe8, 0xb4c4d6,
		0xa4c0d8, 0x1f3a2c, .35f, .018f, {.04f, .14f}, .56f, 1.02f,
		.55f},
	[SCENE_GOLD] = {0x54699a, 0xeba568, 0xffdc8c, 0xfff2c6, 0xa1687a,
		0xe8a066, 0x33202a, .95f, .026f, {.34f, .5f}, .52f, .9f, .8f},
	[SCENE_DUSK] = {0x0f1b44, 0x3f5a9c, 0xe0a394, 0xffc9a0, 0x2c3765,
		0x6d7ab4, 0x0b1026, .45f, .0f, {.56f, .62f}, .50f, .6f, .75f,
		true},
	[SCENE_MOON] = {0x050b1e, 0x10264c, 0x335a7d, 0xf0f4ff, 0x16233f,
		0x2c4d70, 0x03060d, .40f, .026f, {.12f, .3f}, .42f, .5f, .7f,
		true},
	[SCENE_MIST] = {0x9fb0b8, 0xc3cfd0, 0xe6e9e2, 0xfffdf2, 0xaab6ba,
		0xd5dcd8, 0x2c423f, .45f, .03f, {.18f, .34f}, .6f, .8f, 1.3f},
};

/* A colour, a little off its usual hue in each scene. */
static struct rgb
colour(const struct scene *s, uint32_t hex)
{
	float warm = (random_of(s, 1) - 0.5f) * 0.09f;
	float light = 1 + (random_of(s, 2) - 0.5f) * 0.08f;

	return (struct rgb){
		(float)(hex >> 16 & 255) / 255 * light * (1 + warm),
		(float)(hex >> 8 & 255) / 255 * light,
		(float)(hex & 255) / 255 * light * (1 - warm),
	};
}

static void
choose(struct scene *s)
{
	const struct palette *p = s->palette;

	s->top = colour(s, p->top);
	s->middle = colour(s, p->middle);
	s->low = colour(s, p->low);
	s->sun = colour(s, p->sun);
	s->cloud = colour(s, p->cloud);
	s->haze = colour(s, p->haze);
	s->near = colour(s, p->near);
	s->lake = random_of(s, 3) < 0.6f;
	s->horizon = between(0.58f, 0.7f, random_of(s, 4));
	s->sun_u = between(0.2f, 1.3f, random_of(s, 5));
	s->sun_v = between(p->sun_v[0], p->sun_v[1], random_of(s, 6));
	s->shift = random_of(s, 7) * 50;
}

/* --- the lake --- */

static const struct rgb *
pixel_near(const struct image *m, float x, float y)
{
	int ix = (int)x, iy = (int)y;

	ix = ix < 0 ? 0 : ix >= (int)m->width ? (int)m->width - 1 : ix;
	iy = iy < 0 ? 0 : iy >= (int)m->height ? (int)m->height - 1 : iy;
	return &m->px[(size_t)iy * m->width + (size_t)ix];
}

static struct rgb
lake_at(const struct scene *s, float u, float v)
{
	float scale = (float)s->m->height;
	float near = (v - s->horizon) / (1 - s->horizon);
	float depth = 1 / (near + 0.05f);
	float ripple = field_at(&s->noise->soft,
			       (u - 0.75f) * depth * 0.12f + 9 + s->shift,
			       depth * 1.3f + s->shift) -
		0.5f;
	float y = s->horizon - (v - s->horizon) * 0.95f + ripple * 0.10f * near;
	float x = u + ripple * 0.05f * near;
	struct rgb mirror = *pixel_near(
		s->m, x * scale, fminf(y, s->horizon - 0.004f) * scale);
	struct rgb deep = rgb_mix(s->near, s->top, 0.45f);
	struct rgb c = rgb_mix(mirror, deep, 0.14f + 0.42f * near);
	float glitter = step_between(0.07f, 0.2f, ripple) *
		clamp01(1 - fabsf(u - s->sun_u) / (0.06f + 0.3f * near));

	c = rgb_add(c, s->sun, glitter * 0.5f * s->palette->glow);
	/* Mist lies where the water begins. */
	return rgb_mix(c, rgb_mix(s->haze, s->low, 0.5f),
		0.5f * s->palette->fog * expf(-near * 16));
}

/* --- the bank --- */

static void
blend(const struct scene *s, int x, int y, struct rgb c, float share)
{
	if (x < 0 || y < 0 || x >= (int)s->m->width || y >= (int)s->m->height)
		return;
	struct rgb *p = &s->m->px[(size_t)y * s->m->width + (size_t)x];
	*p = rgb_mix(*p, c, clamp01(share));
}

static void
fir(const struct scene *s, float u, float foot, float height, uint32_t which)
{
	float scale = (float)s->m->height;
	int top = (int)((foot - height) * scale), end = (int)(foot * scale);
	float tiers = between(11, 17, noise_hash(s->seed + 31, which));

	for (int y = top; y < end; y++) {
		float q = ((float)y / scale - foot + height) / height;
		float tier = q * tiers - floorf(q * tiers);
		float ragged = noise_hash(
			s->seed + which, (uint32_t)fmaxf(0, q * 260));
		float half = height * 0.19f * powf(q, 0.85f) *
				(0.5f + 0.5f * tier) * (0.75f + 0.4f * ragged) +
			height * 0.004f;
		float from = (u - half) * scale, to = (u + half) * scale;

		if (q < 0)
			continue; /* its tip is within the next row */
		for (int x = (int)from; x <= (int)to; x++)
			blend(s, x, y, rgb_scale(s->near, 0.55f),
				fminf((float)x + 1 - from, to - (float)x));
	}
}

static void
bank(const struct scene *s)
{
	float scale = (float)s->m->height;
	float width = (float)s->m->width / scale;
	bool right = s->sun_u < width / 2;
	uint32_t trees = 4 + (uint32_t)(random_of(s, 20) * 6);

	for (uint32_t i = 0; i < trees; i++) {
		float in = random_of(s, 40 + i) * random_of(s, 60 + i) * 0.55f;
		float height =
			between(0.22f, 0.62f, random_of(s, 80 + i)) * (1 - in);

		fir(s, right ? width - in : in, 1.0f - 0.08f * (0.5f - in),
			height, i);
	}
	for (unsigned x = 0; x < s->m->width; x++) {
		float u = (float)x / scale, in = right ? width - u : u;
		float crest = 1 - 0.13f * expf(-in * in * 5) +
			0.03f * noise_line(s->seed + 71, NOISE_SOFT, u * 9, 7);

		for (int y = (int)(crest * scale); y < (int)s->m->height; y++)
			blend(s, (int)x, y, rgb_scale(s->near, 0.5f),
				(float)y + 1 - crest * scale);
	}
}

void
scene_paint(const struct scene_noise *n, uint64_t seed, enum scene_light light,
	struct image *out)
{
	struct scene s = {.noise = n,
		.palette = &palettes[light],
		.m = out,
		.seed = seed};
	float scale = (float)out->height;

	choose(&s);
	scene_raise_ridges(&s);
	for (unsigned y = 0; y < out->height; y++) {
		struct rgb *row = out->px + (size_t)y * out->width;
		float v = (float)y / scale;
		bool water = s.lake && v >= s.horizon;

		for (unsigned x = 0; x < out->width; x++) {
			float u = (float)x / scale;

			row[x] = water ? lake_at(&s, u, v)
				       : scene_land(&s, x, u, v);
		}
	}
	if (random_of(&s, 8) < 0.7f)
		bank(&s);
	free(s.crests);
	free(s.swells);
}

struct scene_noise *
scene_noise_new(void)
{
	struct scene_noise *n = xmalloc(sizeof(*n));

	field_fill(&n->soft, 1, NOISE_SOFT);
	field_fill(&n->ridged, 2, NOISE_RIDGED);
	return n;
}

void
scene_noise_free(struct scene_noise *n)
{
	free(n);
}
