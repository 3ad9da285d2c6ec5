#include "distill/recipe.h"

#include "distill/text.h"
#include "http/fields.h"
#include "http/validators.h"

enum {
	TEXT_BYTES_MIN = 256,
	IMAGE_BYTES_MIN = 1024, /* passed through, as by TranSend */
	TEXT_BYTES_MAX = 8 * 1024 * 1024,
};

/* --- what a response is --------------------------------------------------- */

/* "text/html; charset=utf-8" is "text/html". */
static struct str
media_type(struct str fields)
{
	struct str type = STR("");
	struct field f;

	while (fields_next(&fields, &f))
		if (f.id == FIELD_CONTENT_TYPE) {
			struct str rest = f.value;

			(void)str_split(&rest, ';', &type);
		}
	return str_trim(type);
}

static bool
ends(struct str s, struct str with)
{
	return s.n >= with.n &&
		str_ieq(str_of(s.p + s.n - with.n, with.n), with);
}

static bool
is_image(struct str type)
{
	return str_ieq(type, STR("image/jpeg")) ||
		str_ieq(type, STR("image/jpg")) || /* wrong, and common */
		str_ieq(type, STR("image/png")) ||
		str_ieq(type, STR("image/gif")) ||
		str_ieq(type, STR("image/webp"));
}

static bool
is_text(struct str type)
{
	static const char *const others[] = {"application/javascript",
		"application/json", "application/manifest+json",
		"application/wasm", "application/x-javascript",
		"application/xml", "application/vnd.ms-fontobject", "font/otf",
		"font/ttf", "image/bmp", "image/x-icon"};

	/* A stream of events is not to wait for its end. */
	if (str_ieq(type, STR("text/event-stream")))
		return false;
	if ((type.n > 5 && str_ieq(str_of(type.p, 5), STR("text/"))) ||
		ends(type, STR("+json")) || ends(type, STR("+xml")))
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (str_ieq(type, str_z(others[i])))
			return true;
	return false;
}

/* Coded already, or not to be touched (RFC 9110, 7.7). */
static bool
is_fixed(struct str fields)
{
	struct str element;
	struct field f;

	while (fields_next(&fields, &f)) {
		if (f.id == FIELD_CONTENT_ENCODING ||
			f.id == FIELD_CONTENT_RANGE)
			return true;
		if (f.id != FIELD_CACHE_CONTROL)
			continue;
		while (list_next(&f.value, &element))
			if (str_ieq(element, STR("no-transform")))
				return true;
	}
	return false;
}

static bool
is_of(int64_t bytes, int64_t least, int64_t most)
{
	return bytes < 0 || (bytes >= least && bytes <= most);
}

bool
recipe_of(const struct class *c, const struct distill_rules *rules,
	struct str fields, int64_t bytes, struct order *out)
{
	struct str type = media_type(fields);
	struct order o = {.magic = ORDER_MAGIC};

	if (bytes > 0 && bytes <= ORDER_BYTES_MAX)
		o.bytes = (uint32_t)bytes;
	if (rules->text && c->coding && is_text(type)) {
		o.kind = ORDER_TEXT;
		o.coding = (uint8_t)c->coding;
		if (!is_of(bytes, TEXT_BYTES_MIN, TEXT_BYTES_MAX))
			return false;
	} else if (rules->images && is_image(type)) {
		o.kind = ORDER_IMAGE;
		o.formats = c->formats;
		o.width = c->width;
		o.halve = c->save && !c->width;
		o.quality = (uint8_t)(c->save ? rules->save_quality
					      : rules->quality);
		if (!is_of(bytes, IMAGE_BYTES_MIN, ORDER_BYTES_MAX))
			return false;
	} else {
		return false;
	}
	if (is_fixed(fields))
		return false;
	*out = o;
	return true;
}

void
recipe_put_name(const struct order *o, struct buf *out)
{
	if (o->kind == ORDER_TEXT)
		buf_z(out, coding_name(o->coding));
	else
		buf_printf(out, "%x-%u-%u%s", o->formats, o->width, o->quality,
			o->halve ? "-half" : "");
}

struct str
recipe_vary(const struct distill_rules *rules, struct str fields)
{
	struct str type = media_type(fields);

	if (rules->text && is_text(type))
		return STR("Vary: Accept-Encoding\r\n");
	if (rules->images &&
		(is_image(type) || str_ieq(type, STR("image/avif"))))
		return STR("Vary: Accept, Save-Data, Sec-CH-Width, "
			   "Sec-CH-Viewport-Width, Sec-CH-DPR, Width, "
			   "Viewport-Width, DPR\r\n");
	return STR("");
}

/* --- what a result's head has --------------------------------------------- */

/* A changed one: of text it is weak, since it stands for the same in any
 * coding; of an image it is as strong as the original's. */
static void
put_etag(const struct order *o, struct str original, uint64_t hash,
	struct buf *out)
{
	bool weak = o->kind == ORDER_TEXT;

	buf_z(out, "ETag: ");
	if (!original.p) {
		buf_printf(out, "%s\"%016llx\"\r\n", weak ? "W/" : "",
			(unsigned long long)hash);
		return;
	}
	if (weak) {
		buf_z(out, etag_is_weak(original) ? "" : "W/");
		buf_str(out, original);
		buf_z(out, "\r\n");
		return;
	}
	buf_str(out, str_of(original.p, original.n - 1));
	buf_z(out, "-");
	recipe_put_name(o, out);
	buf_z(out, "\"\r\n");
}

void
recipe_put_own(const struct order *o, enum image_type type, struct str fields,
	uint64_t hash, struct buf *out)
{
	struct str etag = {0};
	struct field f;

	if (o->kind == ORDER_TEXT)
		buf_printf(out, "Content-Encoding: %s\r\n",
			coding_name(o->coding));
	else
		buf_printf(out, "Content-Type: %s\r\n", image_type_name(type));
	while (fields_next(&fields, &f))
		if (f.id == FIELD_ETAG && etag_is_valid(f.value))
			etag = f.value;
	put_etag(o, etag, hash, out);
}

static bool
speaks_of_bytes(const struct field *f)
{
	static const char *const names[] = {
		"Content-MD5", "Digest", "Content-Digest", "Repr-Digest"};

	if (f->id != FIELD_OTHER)
		return f->id == FIELD_ETAG;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_ieq(f->name, str_z(names[i])))
			return true;
	return false;
}

static bool
has(struct str fields, enum field_id id)
{
	struct field f;

	while (fields_next(&fields, &f))
		if (f.id == id)
			return true;
	return false;
}

void
recipe_put_fields(struct str original, struct str own, struct buf *out)
{
	bool typed = has(own, FIELD_CONTENT_TYPE);
	struct field f;

	while (fields_next(&original, &f))
		if (!speaks_of_bytes(&f) &&
			!(typed && f.id == FIELD_CONTENT_TYPE))
			fields_put(f.name, f.value, out);
	buf_str(out, own);
}
