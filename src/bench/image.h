#pragma once
/* struct image: a picture in floating point, and as a JPEG file. */
#include <stddef.h>
#include <stdint.h>

struct rgb {
	float r, g, b; /* display values: 0 black, 1 full */
};

struct image {
	unsigned width, height;
	struct rgb *px; /* owned, row by row from the top */
};

void image_init(struct image *m, unsigned width, unsigned height);
void image_fini(struct image *m);
/* A new image, 1/factor as wide and high; both must divide. */
void image_shrink(const struct image *m, unsigned factor, struct image *out);
/* As a film would show it: a little darker at the corners, and with grain that
 * is a function of seed. 0 or negative errno. */
int image_write_jpeg(
	const struct image *m, const char *path, int quality, uint64_t seed);

static inline struct rgb
rgb_mix(struct rgb a, struct rgb b, float share_of_b)
{
	return (struct rgb){
		a.r + (b.r - a.r) * share_of_b,
		a.g + (b.g - a.g) * share_of_b,
		a.b + (b.b - a.b) * share_of_b,
	};
}

static inline struct rgb
rgb_scale(struct rgb a, float by)
{
	return (struct rgb){a.r * by, a.g * by, a.b * by};
}

static inline struct rgb
rgb_add(struct rgb a, struct rgb b, float by)
{
	return (struct rgb){a.r + b.r * by, a.g + b.g * by, a.b + b.b * by};
}
