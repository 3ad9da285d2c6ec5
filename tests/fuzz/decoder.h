#pragma once
/*
 * Images of one format, by anybody, through all that reads it and what is made
 * of it: in a thread that has entered the distiller's own sandbox.
 */
#include "distill/order.h"

#include <stddef.h>
#include <stdint.h>

/* The first bytes are the order; then comes the image, whose magic is put
 * right. Held to: a result is smaller than its input, is of the type that it
 * says, and has no more pixels than were asked for; it's never the distiller's
 * fault that there is none. */
void decoder_fuzz(enum image_type type, const uint8_t *data, size_t size);
