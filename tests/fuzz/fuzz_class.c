/*
 * A request, and behind an empty line a response's fields: held to there being
 * few classes, whatever is written, and to orders that a distiller takes.
 */
#include "base/check.h"
#include "distill/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct distill_rules rules = {
	.images = true,
	.text = true,
	.avif = true,
	.quality = 75,
	.save_quality = 45,
	.widths = {320, 640},
};

static void
check_order(const struct order *o, struct str fields)
{
	struct order again = *o, parsed;
	struct buf own = {0}, all = {0};

	again.bytes = 1000;
	CHECK(order_parse(
		str_of((const char *)&again, sizeof(again)), &parsed));
	CHECK(recipe_vary(&rules, fields).n);
	recipe_put_own(o, o->kind == ORDER_TEXT ? TYPE_NONE : TYPE_WEBP, fields,
		1, &own);
	recipe_put_fields(fields, buf_view(&own), &all);
	CHECK(buf_len(&all) >= buf_len(&own));
	buf_fini(&own);
	buf_fini(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size), fields;
	struct head h;
	struct class c;
	struct order o;

	if (head_parse_request(in, &h) != HEAD_DONE)
		return 0;
	class_of(&h, &rules, &c);
	CHECK(c.formats <= ORDER_FORMATS && c.coding < CODINGS);
	CHECK(!(c.formats & ORDER_JPEG && c.formats & ORDER_WEBP));
	CHECK(c.width == 0 || c.width == 320 || c.width == 640);
	fields = str_of(in.p + h.bytes, in.n - h.bytes);
	if (recipe_of(&c, &rules, fields, -1, &o))
		check_order(&o, fields);
	return 0;
}
