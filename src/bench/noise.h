#pragma once
/*
 * Fractal noise, the stuff that mountains, clouds and water are made of. A
 * struct field is a square of it that repeats in both directions; sampling it
 * is far cheaper than making it.
 */
#include <stdint.h>

enum { FIELD_SIDE = 1024 };

struct field {
	float at[FIELD_SIDE][FIELD_SIDE]; /* 0..1 */
};

enum noise_kind {
	NOISE_SOFT,   /* clouds, hills */
	NOISE_RIDGED, /* sharp crests: rock */
};

/* A reproducible number in 0..1 for (seed, i). */
float noise_hash(uint64_t seed, uint32_t i);
/* Along a line; features at x are about 1 apart. 0..1. */
float noise_line(uint64_t seed, enum noise_kind kind, float x, int octaves);

void field_fill(struct field *f, uint64_t seed, enum noise_kind kind);
/* Coordinates >= 0, where 1 is the whole side; interpolated. */
float field_at(const struct field *f, float x, float y);
