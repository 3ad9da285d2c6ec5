#pragma once
/*
 * The balancer's maps as memory: those of a loaded program, mapped into this
 * process (balancer.h), or plain memory for the model and the tests. Field
 * NAME has n_NAME elements; maps.def has the rows, abi.h the meaning.
 */
#include "l4/abi.h"

#include <stddef.h>
#include <stdint.h>

struct l4_image {
#define MAP(name, type, n) type *name;
#include "l4/maps.def"
#undef MAP
#define MAP(name, type, n) uint32_t n_##name;
#include "l4/maps.def"
#undef MAP
};

/* The number of elements of each map for so many CPUs and flows. */
void l4_image_size(struct l4_image *i, uint32_t cpus, uint64_t flows);
/* In plain memory, all zero; l4_image_fini() frees it. */
void l4_image_init(struct l4_image *i, uint64_t flows);
void l4_image_fini(struct l4_image *i);
/* Seconds in the image's measure of time. */
uint32_t l4_image_ticks(uint64_t s);
/* What a new image needs before its first packet: seeds and timeouts. */
void l4_image_start(struct l4_image *i);
