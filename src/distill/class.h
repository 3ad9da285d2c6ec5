#pragma once
/*
 * Which of a few classes a request is of, and what a response becomes for it.
 * Whatever clients write, there are no more classes than a site's rules make:
 * six sets of formats, its widths, with Save-Data or without; four codings of
 * text.
 *
 *	Accept			image/webp and image/avif only if named;
 *				image/jpeg if there is no webp: only if all that
 *				is named leaves it out, it is not taken
 *	Sec-CH-Width, Width	pixels in which it will be shown
 *	Sec-CH-Viewport-Width	... at most, times Sec-CH-DPR; each also by its
 *				older name without Sec-CH-
 *	Save-Data: on		lower quality, and half the size unless a width
 *				was said
 *	Accept-Encoding		the coding with the highest weight, ours if
 *				there are several: br, zstd, gzip
 */
#include "distill/order.h"
#include "http/head.h"

enum { CLASS_WIDTHS_MAX = 8 };

/* A site's. */
struct distill_rules {
	bool images, text, avif;
	unsigned quality, save_quality;	   /* 1..100 */
	uint16_t widths[CLASS_WIDTHS_MAX]; /* rising; 0: no more */
	uint64_t wait_ns;     /* 0: the original until the other one is there */
	const char *original; /* query parameter; NULL: none */
};

/* What a client may have. */
struct class
{
	uint8_t formats; /* enum order_formats */
	bool save;
	uint16_t width; /* one of the rules'; 0: as it is */
	enum coding coding;
};

void class_of(const struct head *request, const struct distill_rules *rules,
	struct class *out);
