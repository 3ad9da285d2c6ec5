/*
 * What a node and its distiller say to each other: an order, and a report,
 * which comes from a process that may have been taken over. Held to: what is
 * accepted is within its bounds.
 */
#include "base/check.h"
#include "distill/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct order asked[] = {
	{.magic = ORDER_MAGIC, .id = 1, .bytes = 1000, .kind = ORDER_IMAGE},
	{.magic = ORDER_MAGIC, .id = 1, .bytes = 1000, .kind = ORDER_TEXT},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct report r;
	struct order o;

	if (order_parse(in, &o)) {
		CHECK(o.bytes && o.bytes <= ORDER_BYTES_MAX);
		CHECK(o.kind == ORDER_TEXT ? o.coding && o.coding < CODINGS
					   : o.quality && o.quality <= 100);
	}
	for (int i = 0; i < 2; i++) {
		if (!report_parse(in, &asked[i], &r))
			continue;
		CHECK(r.id == 1 && r.outcome < RESULTS);
		CHECK(*image_type_name(r.type) == 0 || r.type != TYPE_NONE);
		CHECK(r.outcome != RESULT_DONE || (r.bytes && r.bytes < 1000));
	}
	return 0;
}
