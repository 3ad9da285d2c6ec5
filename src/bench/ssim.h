#pragma once
/*
 * Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004) of two images'
 * brightness: 1 when they are the same. By windows of 8 x 8 pixels, each 4 from
 * the next.
 */
#include "distill/raster.h"

/* Both are of the same size. Over black. */
double ssim(const struct raster *a, const struct raster *b);
