#pragma once
/*
 * What a node and its distiller say to each other: an order, which comes with
 * the descriptor of a piece of memory that holds the input, and a report. The
 * result is written over the input, since one that is no shorter is of no use.
 *
 * Both are one message on a socket that keeps them apart. They are the same
 * program on the same machine, so numbers are as the machine has them; but a
 * distiller has read what anybody may have made, so nothing that it says is
 * believed: order_parse() and report_parse() take any bytes.
 */
#include "base/str.h"

#include <assert.h>

enum {
	ORDER_MAGIC = 0x37663144, /* changes with the structs */
	/* Bytes of input: what takes longer is for nobody who waits. */
	ORDER_BYTES_MAX = 32 * 1024 * 1024,
	ORDER_PIXELS_MAX = 50 * 1000 * 1000, /* of all frames together */
	ORDER_SIDE_MAX = 65500,		     /* a JPEG has no more */
};

enum order_kind { ORDER_IMAGE, ORDER_TEXT, ORDER_KINDS };

/* Which types the client takes beside PNG and the input's own: a set. */
enum order_formats {
	ORDER_JPEG = 1,
	ORDER_WEBP = 2,
	ORDER_AVIF = 4,
	ORDER_FORMATS = 7
};

enum coding { CODING_NONE, CODING_GZIP, CODING_ZSTD, CODING_BR, CODINGS };

struct order {
	uint32_t magic;
	uint32_t id;
	uint32_t bytes; /* of the input */
	uint16_t width; /* at most so many pixels; 0: any number */
	uint8_t kind;	/* enum order_kind */
	uint8_t formats;
	uint8_t quality; /* 1 to 100, as libjpeg counts */
	uint8_t halve;	 /* 1: half as wide and high */
	uint8_t coding;	 /* of text: enum coding, and not none */
	uint8_t zero;
};
static_assert(sizeof(struct order) == 20, "no holes");

/* What became of an order, and what it is called. */
enum result {
#define RESULT(name, meaning) RESULT_##name,
#include "distill/results.def"
#undef RESULT
	RESULTS
};

enum image_type {
	TYPE_NONE,
	TYPE_JPEG,
	TYPE_PNG,
	TYPE_GIF,
	TYPE_WEBP,
	TYPE_AVIF,
	TYPES
};

struct report {
	uint32_t magic;
	uint32_t id;	/* the order's */
	uint32_t bytes; /* of the result, if DONE */
	uint32_t cpu_us;
	uint32_t pixels; /* that were read, in thousands */
	uint8_t outcome; /* enum result */
	uint8_t type;	 /* of the result: enum image_type; of text, NONE */
	uint8_t zero[2];
};
static_assert(sizeof(struct report) == 24, "no holes");

/* One that the distiller may act on. False: it is none. */
bool order_parse(struct str in, struct order *out);
/* What was said of that order. False: it can't be. */
bool report_parse(struct str in, const struct order *o, struct report *out);
/* "image/webp" */
const char *image_type_name(enum image_type t);
