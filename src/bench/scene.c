/*
 * See scene.h. Coordinates: u to the right and v down, in heights of the
 * picture. From far to near: the sky with its sun and clouds; ridges, each a
 * line of crests (v as a function of u), paler the farther away they are; a
 * lake that mirrors what is above; a bank with trees.
 */
#include "bench/scene.h"

#include "base/mem.h"
#include "base/own.h"
#include "bench/noise.h"

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

static float
clamp01(float v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static float
step_between(float from, float to, float v)
{
	float t = clamp01((v - from) / (to - from));

	return t * t * (3 - 2 * t);
}

static float
between(float from, float to, float t)
{
	return from + (to - from) * t;
}

static float
random_of(const struct scene *s, uint32_t what)
{
	return noise_hash(s->seed, 77000 + what);
}

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

/* --- the sky --- */

static float
sun_distance2(const struct scene *s, float u, float v)
{
	float du = u - s->sun_u, dv = v - s->sun_v;

	return du * du + 1.3f * dv * dv;
}

/* 1 left of the sun, -1 right of it */
static float
side_of_sun(const struct scene *s, float u)
{
	float d = (s->sun_u - u) * 8;

	return d < -1 ? -1 : d > 1 ? 1 : d;
}

static struct rgb
clouds_over(const struct scene *s, struct rgb sky, float u, float v, float d2)
{
	/* A flat layer, seen from below: it narrows towards the horizon. */
	float depth = 1 / (s->horizon - v + 0.16f);
	float x = (u - 0.75f) * depth * 0.07f + 5 + s->shift;
	float y = depth * 0.16f + s->shift;
	float v0 = field_at(&s->noise->soft, x, y) * 0.75f +
		field_at(&s->noise->soft, 3 * x, 3 * y + 0.4f) * 0.25f;
	float edge = 1.04f - s->palette->clouds - 0.12f * random_of(s, 9);
	float cover = step_between(edge, edge + 0.2f, v0);

	if (cover <= 0)
		return sky;
	float towards = side_of_sun(s, u) * 0.012f;
	float v1 = field_at(&s->noise->soft, x + towards, y - 0.012f);
	float lit = clamp01(0.45f + (v0 - v1) * 2.2f + 0.35f / (1 + 9 * d2));
	struct rgb c =
		rgb_mix(s->cloud, rgb_mix(s->low, s->sun, 0.6f), lit * 0.9f);
	float fade = step_between(0, 0.2f, s->horizon - v) * 0.85f;

	return rgb_mix(sky, c, cover * fade);
}

static struct rgb
star(const struct scene *s, struct rgb sky, float u, float v)
{
	float gu = u * 90, gv = v * 90;
	uint32_t cell = (uint32_t)gu * 1000 + (uint32_t)gv;
	float chance = noise_hash(s->seed ^ 1, cell);

	if (chance > 0.14f)
		return sky;
	float du = gu - floorf(gu) - between(.2f, .8f, noise_hash(5, cell));
	float dv = gv - floorf(gv) - between(.2f, .8f, noise_hash(6, cell));
	float size = 0.05f + chance * 0.35f;
	float light = clamp01(1 - (du * du + dv * dv) / (size * size));

	return rgb_add(sky, s->sun,
		light * (0.25f + 4 * chance) * (1 - v / s->horizon));
}

static struct rgb
sky_at(const struct scene *s, float u, float v)
{
	float t = v / s->horizon, d2 = sun_distance2(s, u, v);
	struct rgb c = t < 0.6f
		? rgb_mix(s->top, s->middle, step_between(-0.1f, 0.6f, t))
		: rgb_mix(s->middle, s->low, step_between(0.6f, 1.08f, t));
	float radius = s->palette->sun_radius;

	if (s->palette->stars)
		c = star(s, c, u, v);
	c = rgb_mix(c, s->sun,
		clamp01(s->palette->glow *
			(0.55f / (1 + 14 * d2) + 0.45f / (1 + 300 * d2))));
	if (radius > 0)
		c = rgb_mix(c, rgb_scale(s->sun, 1.08f),
			1 -
				step_between(radius * 0.9f, radius * 1.1f,
					sqrtf(d2)));
	return clouds_over(s, c, u, v, d2);
}

/* --- ridges --- */

/* How near ridge k is: 0 at the horizon, 1 at our feet. */
static float
nearness(unsigned k)
{
	return (float)k / (RIDGES - 1);
}

static float
bare_crest(const struct scene *s, unsigned k, float u)
{
	uint64_t seed = s->seed + UINT64_C(1000) * (k + 1);
	float t = nearness(k), base, height, line;

	if (t < 0.5f) {
		/* Peaks where a broad swell and the sharp crests agree. */
		float swell = noise_line(seed, NOISE_SOFT, u * 1.4f, 2);

		line = noise_line(
			seed + 50, NOISE_RIDGED, u * between(1.5f, 2.6f, t), 9);
		line = line * 0.75f + 0.9f * (swell - 0.35f);
		height = between(0.46f, 0.26f, 2 * t);
	} else {
		line = noise_line(
			seed, NOISE_SOFT, u * between(3.0f, 1.6f, t), 6);
		height = between(0.2f, 0.13f, t);
	}
	if (s->lake) {
		base = s->horizon;
		height *= between(1, 0.42f, t);
	} else {
		base = between(s->horizon, 1.02f, t * t);
	}
	return base - height * fmaxf(line, 0);
}

/* Raises the crest line by a conifer whose foot is at (u, v). */
static void
plant(const struct scene *s, float *crest, float u, float height)
{
	float scale = (float)s->m->height, half = height * 0.2f;
	int from = (int)((u - half) * scale), to = (int)((u + half) * scale);

	for (int x = from < 0 ? 0 : from; x <= to && x < (int)s->m->width;
		x++) {
		float off = fabsf((float)x / scale - u) / half;
		float tier = off * 6 - floorf(off * 6);
		float top = height * (1 - off) * (0.86f + 0.14f * tier);

		if (top > 0 && crest[x] - top < crest[x + (int)s->m->width])
			crest[x + (int)s->m->width] = crest[x] - top;
	}
}

/* bare: the crest line; out: the same with its wood. They are one after the
 * other: see plant(). */
static void
forest(const struct scene *s, unsigned k, float *bare_and_out)
{
	float t = nearness(k);
	float size = between(
		0.012f, s->lake ? 0.035f : 0.06f, step_between(0.5f, 1, t));
	float width = (float)s->m->width / (float)s->m->height;
	uint32_t n = (uint32_t)(width / size * 2.2f);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t seed = s->seed + k;
		float u = (float)i / (float)n * width +
			(noise_hash(seed, i) - 0.5f) * size;
		/* Woods have clearings. */
		float dense = noise_line(seed + 9, NOISE_SOFT, u * 4, 3);

		if (dense > 0.4f)
			plant(s, bare_and_out, u,
				size * between(0.5f, 1.5f, dense) *
					between(0.5f, 1.2f,
						noise_hash(seed + 5, i)));
	}
}

/* The mean of the line over a tenth of the picture around each column. */
static void
smoothen(const struct scene *s, const float *line, float *out)
{
	int w = (int)s->m->width, reach = (int)s->m->height / 20 + 1;
	float sum = 0;

	for (int x = -reach; x <= reach; x++)
		sum += line[x < 0 ? 0 : x >= w ? w - 1 : x];
	for (int x = 0; x < w; x++) {
		int gone = x - reach, come = x + reach + 1;

		out[x] = sum / (float)(2 * reach + 1);
		sum += line[come >= w ? w - 1 : come] -
			line[gone < 0 ? 0 : gone];
	}
}

static void
raise_ridges(struct scene *s)
{
	unsigned w = s->m->width;
	own_free float *line = xcalloc(2 * (size_t)w, sizeof(*line));

	s->crests = xcalloc((size_t)RIDGES * w, sizeof(*s->crests));
	s->swells = xcalloc((size_t)RIDGES * w, sizeof(*s->swells));
	for (unsigned k = 0; k < RIDGES; k++) {
		float t = nearness(k);

		for (unsigned x = 0; x < w; x++)
			line[x] = line[w + x] = bare_crest(
				s, k, (float)x / (float)s->m->height);
		smoothen(s, line, s->swells + (size_t)k * w);
		if (t > 0.5f)
			forest(s, k, line);
		s->highest[k] = 2;
		for (unsigned x = 0; x < w; x++) {
			s->crests[(size_t)k * w + x] = line[w + x];
			if (line[w + x] < s->highest[k])
				s->highest[k] = line[w + x];
		}
		s->ridge[k] = rgb_mix(rgb_mix(s->haze, s->low, 0.25f * (1 - t)),
			s->near, clamp01(0.12f + 0.95f * powf(t, 0.85f)));
	}
}

/* Turned, so that the noise's lattice shows no level lines. */
static float
rock_at(const struct scene *s, float x, float y)
{
	return field_at(&s->noise->ridged, x * 0.83f + y * 0.56f,
		60 + y * 0.83f - x * 0.56f);
}

static struct rgb
ridge_at(const struct scene *s, unsigned k, unsigned x_px, float u, float v)
{
	float t = nearness(k);
	float below = v - s->swells[k * s->m->width + x_px];
	float scale = 0.55f / (0.5f + t);
	float x = u * scale + 4 + 0.37f * (float)k + s->shift;
	float y = v * scale * 0.8f + 4 + 0.61f * (float)k;
	float rock = rock_at(s, x, y);
	float slope =
		rock_at(s, x + side_of_sun(s, u) * 0.004f, y - 0.003f) - rock;
	/* Slopes that rise away from the sun face it. */
	float light = clamp01(0.5f - slope * 5) - 0.5f;
	struct rgb c = s->ridge[k];

	if (t < 0.4f) {
		float height = s->horizon - v + (rock - 0.4f) * 0.16f;
		float snow = step_between(0.13f, 0.2f, height) * (1 - t);

		c = rgb_mix(c,
			rgb_scale(rgb_mix(s->low, (struct rgb){1, 1, 1}, 0.4f),
				s->palette->snow),
			snow * (0.62f + light));
	}
	c = rgb_scale(c, 1 + light * 0.9f * (1 - t) * (1 - t) + light * 0.08f);
	c = rgb_add(c, s->sun, light > 0 ? light * 0.16f * (1 - t) : 0);
	float fog = s->palette->fog * (1 - t) *
		step_between(0, 0.3f - 0.1f * t, below);
	return rgb_mix(
		c, rgb_mix(s->haze, s->low, 0.35f), clamp01(fog) * 0.85f);
}

/* The ridges at (u, v) from the nearest on backwards, and the sky behind
 * what they leave uncovered. */
static struct rgb
land_at(const struct scene *s, unsigned x, float u, float v)
{
	float pixel = 1 / (float)s->m->height, bare = 1;
	struct rgb c = {0, 0, 0};

	for (unsigned k = RIDGES; k-- > 0;) {
		const float *crests = s->crests + (size_t)k * s->m->width;

		if (v + pixel <= s->highest[k])
			continue;
		float cover = bare * clamp01((v + pixel - crests[x]) / pixel);
		if (cover <= 0)
			continue;
		c = rgb_add(c, ridge_at(s, k, x, u, v), cover);
		bare -= cover;
		if (bare <= 0)
			return c;
	}
	return rgb_add(c, sky_at(s, u, v), bare);
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
	raise_ridges(&s);
	for (unsigned y = 0; y < out->height; y++) {
		struct rgb *row = out->px + (size_t)y * out->width;
		float v = (float)y / scale;
		bool water = s.lake && v >= s.horizon;

		for (unsigned x = 0; x < out->width; x++) {
			float u = (float)x / scale;

			row[x] = water ? lake_at(&s, u, v)
				       : land_at(&s, x, u, v);
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
