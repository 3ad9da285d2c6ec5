/* The ridges of a scene: crests with their woods, rock, snow and mist. */
#include "bench/scene_internal.h"

#include "base/mem.h"
#include "base/own.h"

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

void
scene_raise_ridges(struct scene *s)
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

struct rgb
scene_land(const struct scene *s, unsigned x, float u, float v)
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
	return rgb_add(c, scene_sky(s, u, v), bare);
}
