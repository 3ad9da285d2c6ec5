#pragma once
/*
 * The packet core run natively: on an image of plain memory as the model of the
 * XDP program, and on a program's own maps to sweep them.
 */
#include "l4/image.h"

/* A frame: n bytes at data, with room for MODEL_HEADROOM before them and none
 * needed behind. data is 2 more than a multiple of 4, as drivers have it. */
#define MODEL_HEADROOM 64

struct model_frame {
	uint8_t *data; /* borrowed; may move within the room, as n may change */
	uint8_t *room; /* where it begins */
	size_t n;
	uint32_t out; /* interface to send on; 0: where it came from */
};

enum l4_verdict model_run(struct l4_image *i, struct model_frame *f);

/* Grows the part of the table that is in use when it's more than 3/8 full, step
 * by step: at most n buckets are emptied. */
void model_grow(struct l4_image *i, uint32_t n);

/* Ends what is over in n buckets from `from` on (all around, if there are so
 * many). Returns how many entries are in use in them then. */
uint32_t model_sweep(struct l4_image *i, uint32_t from, uint32_t n);
