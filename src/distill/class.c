#include "distill/class.h"

enum { WEIGHT_ONE = 1000 };

/* --- what a request says -------------------------------------------------- */

static const struct field *
find(const struct head *h, struct str name)
{
	for (unsigned i = 0; i < h->nfields; i++)
		if (str_ieq(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

/* "0.725" is 725; 0 for what is no weight (RFC 9110, 12.4.2). */
static unsigned
read_weight(struct str s)
{
	unsigned w;

	if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') ||
		(s.n > 1 && s.p[1] != '.'))
		return 0;
	w = s.p[0] == '1' ? WEIGHT_ONE : 0;
	for (unsigned i = 2, by = 100; i < s.n; i++, by /= 10) {
		if (!char_is_digit(s.p[i]))
			return 0;
		w += (unsigned)(s.p[i] - '0') * by;
	}
	return w > WEIGHT_ONE ? WEIGHT_ONE : w;
}

/* An element of Accept or Accept-Encoding: its name and weight. */
static void
read_element(struct str element, struct str *name, unsigned *weight)
{
	struct str part, key;

	*weight = WEIGHT_ONE;
	(void)str_split(&element, ';', name);
	*name = str_trim(*name);
	while (str_split(&element, ';', &part)) {
		if (!str_split(&part, '=', &key) ||
			!str_ieq(str_trim(key), STR("q")) || !part.p)
			continue;
		*weight = read_weight(str_trim(part));
	}
}

/* The weight that the field gives to the name, or to the best of the wildcards
 * that stand for it; absent: it does not say. */
static unsigned
weight_of(const struct head *h, struct str field, struct str name,
	const struct str wild[2], unsigned absent)
{
	const struct field *f = find(h, field);
	unsigned rank = 0, found = f ? 0 : absent;

	for (unsigned i = 0; f && i < h->nfields; i++) {
		struct str rest = h->fields[i].value, element, n;
		unsigned w;

		if (!str_ieq(h->fields[i].name, field))
			continue;
		while (list_next(&rest, &element)) {
			unsigned r;

			read_element(element, &n, &w);
			r = str_ieq(n, name)	      ? 3
				: str_ieq(n, wild[0]) ? 2
				: str_ieq(n, wild[1]) ? 1
						      : 0;
			if (r > rank) {
				rank = r;
				found = w;
			}
		}
	}
	return found;
}

static bool
takes(const struct head *h, struct str type, bool only_if_named)
{
	static const struct str wild[2] = {{"image/*", 7}, {"*/*", 3}};
	static const struct str none[2] = {{"", 0}, {"", 0}};

	return weight_of(h, STR("Accept"), type, only_if_named ? none : wild,
		       only_if_named ? 0 : WEIGHT_ONE) > 0;
}

static uint8_t
formats_of(const struct head *h, const struct distill_rules *rules)
{
	unsigned f = 0;

	if (takes(h, STR("image/webp"), true))
		f |= ORDER_WEBP; /* in place of any JPEG */
	else if (takes(h, STR("image/jpeg"), false))
		f |= ORDER_JPEG;
	f |= rules->avif && takes(h, STR("image/avif"), true) ? ORDER_AVIF : 0;
	return (uint8_t)f;
}

static enum coding
coding_of(const struct head *h)
{
	static const struct str wild[2] = {{"*", 1}, {"", 0}};
	static const struct {
		enum coding coding;
		struct str name;
	} ours[] = {
		{CODING_BR, {"br", 2}},
		{CODING_ZSTD, {"zstd", 4}},
		{CODING_GZIP, {"gzip", 4}},
	};
	enum coding best = CODING_NONE;
	unsigned most = 0;

	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		unsigned w = weight_of(
			h, STR("Accept-Encoding"), ours[i].name, wild, 0);

		if (w > most) {
			most = w;
			best = ours[i].coding;
		}
	}
	/* Nobody says identity; but who does, and would rather have it, gets
	 * it. */
	if (weight_of(h, STR("Accept-Encoding"), STR("identity"),
		    (struct str[2]){{"", 0}, {"", 0}}, 0) > most)
		return CODING_NONE;
	return best;
}

/* A hint's value in thousandths; 0: there is none. */
static uint64_t
hint(const struct head *h, struct str name, struct str old_name)
{
	const struct field *f = find(h, name);
	struct str rest, whole;
	uint64_t n, thousandths = 0;

	f = f ? f : find(h, old_name);
	if (!f)
		return 0;
	rest = f->value;
	(void)str_split(&rest, '.', &whole);
	if (str_u64(whole, 1000000, &n) < 0)
		return 0;
	for (unsigned i = 0, by = 100; rest.p && i < rest.n && by; i++) {
		if (!char_is_digit(rest.p[i]))
			return 0;
		thousandths += (uint64_t)(rest.p[i] - '0') * by;
		by /= 10;
	}
	return n * 1000 + thousandths;
}

static uint64_t
shown_width(const struct head *h)
{
	uint64_t width = hint(h, STR("Sec-CH-Width"), STR("Width"));
	uint64_t viewport =
		hint(h, STR("Sec-CH-Viewport-Width"), STR("Viewport-Width"));
	uint64_t ratio = hint(h, STR("Sec-CH-DPR"), STR("DPR"));

	if (width)
		return width / 1000;
	return viewport * (ratio ? ratio : 1000) / 1000000;
}

static uint16_t
class_width(uint64_t shown, const struct distill_rules *rules)
{
	for (int i = 0; shown && i < CLASS_WIDTHS_MAX && rules->widths[i]; i++)
		if (shown <= rules->widths[i])
			return rules->widths[i];
	return 0;
}

static bool
saves_data(const struct head *h)
{
	const struct field *f = find(h, STR("Save-Data"));
	struct str rest, token;

	if (!f)
		return false;
	rest = f->value;
	(void)str_split(&rest, ';', &token);
	return str_ieq(str_trim(token), STR("on"));
}

void
class_of(const struct head *request, const struct distill_rules *rules,
	struct class *out)
{
	*out = (struct class){0};
	if (rules->text)
		out->coding = coding_of(request);
	if (!rules->images)
		return;
	out->formats = formats_of(request, rules);
	out->save = saves_data(request);
	out->width = class_width(shown_width(request), rules);
}
