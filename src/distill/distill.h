#pragma once
/*
 * Distillation: what an order says, done. Pure: bytes in, bytes out; but on
 * input from anybody, through libraries that have had holes, so it is only
 * called where a crash or worse does no harm: see prog/distiller.c.
 */
#include "base/buf.h"
#include "distill/order.h"

struct distilled {
	struct buf bytes; /* owned; of a result that is DONE */
	enum image_type type;
	uint64_t pixels; /* read */
};

/* in: o->bytes of input. */
enum result
distill(const struct order *o, struct str in, struct distilled *out);
