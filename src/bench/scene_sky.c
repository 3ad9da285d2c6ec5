/* The sky of a scene: its colours, stars, sun and clouds. */
#include "bench/scene_internal.h"

static float
sun_distance2(const struct scene *s, float u, float v)
{
	float du = u - s->sun_u, dv = v - s->sun_v;

	return du * du + 1.3f * dv * dv;
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

struct rgb
scene_sky(const struct scene *s, float u, float v)
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
