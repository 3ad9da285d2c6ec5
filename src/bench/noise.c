/* See noise.h. Value noise: random values on a lattice, smoothly joined; each
 * octave is twice as fine and half as strong as the one before. */
#include "bench/noise.h"

#include <math.h>

float
noise_hash(uint64_t seed, uint32_t i)
{
	uint64_t z = seed + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (float)(z >> 40) * (1.0f / (1 << 24));
}

static float
smooth(float t)
{
	return t * t * (3 - 2 * t);
}

static float
shape(float v, enum noise_kind kind)
{
	if (kind == NOISE_SOFT)
		return v;
	v = 1 - fabsf(2 * v - 1);
	return v * v;
}

float
noise_line(uint64_t seed, enum noise_kind kind, float x, int octaves)
{
	float sum = 0, strength = 0.5f, total = 0;

	x += 1000; /* negative x rounds the wrong way */
	for (int o = 0; o < octaves; o++) {
		uint32_t i = (uint32_t)x;
		float t = smooth(x - (float)i);
		float a = noise_hash(seed + (uint64_t)o, i);
		float b = noise_hash(seed + (uint64_t)o, i + 1);

		sum += strength * shape(a + (b - a) * t, kind);
		total += strength;
		strength *= 0.5f;
		x *= 2.03f; /* octaves that meet nowhere hide the lattice */
	}
	return sum / total;
}

/* One octave with cells lattice cells along each side. */
static void
add_octave(struct field *f, uint64_t seed, enum noise_kind kind, uint32_t cells,
	float strength)
{
	uint32_t cell = FIELD_SIDE / cells;

	for (uint32_t y = 0; y < FIELD_SIDE; y++) {
		uint32_t j = y / cell, j1 = (j + 1) % cells;
		float ty = smooth((float)(y % cell) / (float)cell);

		for (uint32_t i = 0; i < cells; i++) {
			uint32_t i1 = (i + 1) % cells;
			float a = noise_hash(seed, j * cells + i);
			float b = noise_hash(seed, j * cells + i1);
			float left =
				a + (noise_hash(seed, j1 * cells + i) - a) * ty;
			float right = b +
				(noise_hash(seed, j1 * cells + i1) - b) * ty;

			for (uint32_t x = 0; x < cell; x++) {
				float t = smooth((float)x / (float)cell);

				f->at[y][i * cell + x] += strength *
					shape(left + (right - left) * t, kind);
			}
		}
	}
}

void
field_fill(struct field *f, uint64_t seed, enum noise_kind kind)
{
	float strength = 0.5f;

	*f = (struct field){0};
	for (uint32_t cells = 4; cells <= FIELD_SIDE / 2; cells *= 2) {
		add_octave(f, seed + cells, kind, cells, strength);
		strength *= kind == NOISE_SOFT ? 0.5f : 0.55f;
	}
	/* The strengths sum up to about 1. */
	if (kind == NOISE_RIDGED)
		for (uint32_t y = 0; y < FIELD_SIDE; y++)
			for (uint32_t x = 0; x < FIELD_SIDE; x++)
				f->at[y][x] *= 0.9f;
}

float
field_at(const struct field *f, float x, float y)
{
	float fx = x * FIELD_SIDE, fy = y * FIELD_SIDE;
	uint32_t ix = (uint32_t)fx, iy = (uint32_t)fy;
	float tx = fx - (float)ix, ty = fy - (float)iy;
	uint32_t x0 = ix % FIELD_SIDE, x1 = (ix + 1) % FIELD_SIDE;
	const float *r0 = f->at[iy % FIELD_SIDE];
	const float *r1 = f->at[(iy + 1) % FIELD_SIDE];
	float top = r0[x0] + (r0[x1] - r0[x0]) * tx;
	float low = r1[x0] + (r1[x1] - r1[x0]) * tx;

	return top + (low - top) * ty;
}
