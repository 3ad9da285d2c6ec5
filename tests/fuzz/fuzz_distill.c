/*
 * Images by anybody, through all that reads and writes them. The first bytes
 * are the order. Held to: a result is smaller than its input, is of the type
 * that it says, and has no more pixels than were asked for.
 */
#include "base/check.h"
#include "distill/distill.h"
#include "distill/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 4, PIXELS_MAX = 1 << 20 /* or it is too slow to find much */ };

static void
check_result(const struct order *o, const struct distilled *d)
{
	struct sniff s;

	CHECK(buf_len(&d->bytes) < o->bytes);
	if (d->type == TYPE_AVIF)
		return;
	CHECK(sniff(buf_view(&d->bytes), &s));
	CHECK(s.type == d->type);
	CHECK(!o->width || s.width <= o->width);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct order o = {.magic = ORDER_MAGIC, .kind = ORDER_IMAGE};
	struct str in;
	struct distilled d;
	struct sniff s;

	if (size <= HEAD)
		return 0;
	in = str_of((const char *)data + HEAD, size - HEAD);
	if (sniff(in, &s) && sniff_pixels(&s) > PIXELS_MAX &&
		sniff_pixels(&s) <= ORDER_PIXELS_MAX)
		return 0;
	o.bytes = (uint32_t)in.n;
	o.formats = data[0] & (ORDER_FORMATS & ~ORDER_AVIF);
	o.quality = (uint8_t)(data[1] % 100 + 1);
	o.width = data[2];
	o.halve = data[3] & 1;
	if (distill(&o, in, &d) != RESULT_DONE)
		return 0;
	check_result(&o, &d);
	buf_fini(&d.bytes);
	return 0;
}
