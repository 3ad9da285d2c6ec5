#include "distill/order.h"

bool
order_parse(struct str in, struct order *out)
{
	struct order o;

	if (in.n != sizeof(o))
		return false;
	memcpy(&o, in.p, sizeof(o));
	if (o.magic != ORDER_MAGIC || o.kind >= ORDER_KINDS || o.zero ||
		o.bytes == 0 || o.bytes > ORDER_BYTES_MAX || o.halve > 1)
		return false;
	if (o.kind == ORDER_TEXT && (o.coding == 0 || o.coding >= CODINGS))
		return false;
	if (o.kind == ORDER_IMAGE &&
		(o.quality < 1 || o.quality > 100 || o.formats > ORDER_FORMATS))
		return false;
	*out = o;
	return true;
}

bool
report_parse(struct str in, const struct order *o, struct report *out)
{
	struct report r;

	if (in.n != sizeof(r))
		return false;
	memcpy(&r, in.p, sizeof(r));
	if (r.magic != ORDER_MAGIC || r.id != o->id || r.outcome >= RESULTS ||
		r.type >= TYPES)
		return false;
	if (r.outcome == RESULT_DONE &&
		(r.bytes == 0 || r.bytes >= o->bytes ||
			(o->kind == ORDER_IMAGE) != (r.type != TYPE_NONE)))
		return false;
	*out = r;
	return true;
}

const char *
image_type_name(enum image_type t)
{
	static const char *const names[TYPES] = {"", "image/jpeg", "image/png",
		"image/gif", "image/webp", "image/avif"};

	return names[t];
}
