#include "bench/ssim.h"

#include "base/check.h"

enum { SIDE = 8, STEP = 4 };

static double
brightness(uint32_t c)
{
	double y = 0.299 * (c >> 16 & 255) + 0.587 * (c >> 8 & 255) +
		0.114 * (c & 255);

	return y * (c >> 24) / 255;
}

static double
window(const struct raster *a, const struct raster *b, unsigned x, unsigned y,
	unsigned w, unsigned h)
{
	const double c1 = 6.5025,
		     c2 = 58.5225; /* (.01 x 255)^2, (.03 x 255)^2 */
	double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = w * h;

	for (unsigned j = y; j < y + h; j++)
		for (unsigned i = x; i < x + w; i++) {
			double p = brightness(raster_row(a, j)[i]);
			double q = brightness(raster_row(b, j)[i]);

			sa += p;
			sb += q;
			saa += p * p;
			sbb += q * q;
			sab += p * q;
		}
	sa /= n;
	sb /= n;
	return (2 * sa * sb + c1) * (2 * (sab / n - sa * sb) + c2) /
		((sa * sa + sb * sb + c1) *
			(saa / n - sa * sa + sbb / n - sb * sb + c2));
}

double
ssim(const struct raster *a, const struct raster *b)
{
	unsigned w = raster_width(a), h = raster_height(a), n = 0;
	unsigned ww = w < SIDE ? w : SIDE, hh = h < SIDE ? h : SIDE;
	double sum = 0;

	CHECK(w == raster_width(b) && h == raster_height(b));
	for (unsigned y = 0; y + hh <= h; y += STEP)
		for (unsigned x = 0; x + ww <= w; x += STEP, n++)
			sum += window(a, b, x, y, ww, hh);
	return sum / n;
}
