/* Kinds of the parameters of distillation: see kind.h. */
#include "conf/kind.h"

#include "base/list.h"
#include "base/mem.h"

/* off | [images] [avif] [text] */
static bool
set_distill(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	static const char *const names[] = {"images", "avif", "text"};
	struct conf_site *s = container_of(member, struct conf_site, distill);
	bool on[3] = {false};
	unsigned i;

	if (nargs == 1 && is_off(args[0]))
		return true;
	for (size_t n = 0; n < nargs; n++) {
		if (!read_choice(e, args[n], "thing to distil", names, 3, &i))
			return false;
		on[i] = true;
	}
	s->distill.avif = on[1];
	s->distill.images = on[0] || on[1];
	s->distill.text = on[2];
	return true;
}

static bool
write_distill(struct buf *b, const void *member, size_t i)
{
	const struct conf_site *s =
		container_of(member, struct conf_site, distill);

	if (!s->distill.images && !s->distill.text)
		buf_z(b, "off");
	else
		buf_printf(b, "%s%s%s%s", s->distill.images ? "images" : "",
			s->distill.avif ? " avif" : "",
			s->distill.images && s->distill.text ? " " : "",
			s->distill.text ? "text" : "");
	return true;
}

const struct kind kind_distill = {"off | [images] [avif] [text]", "images text",
	1, 3, false, set_distill, write_distill};

/* WIDTH... | off */
static bool
set_widths(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	uint16_t widths[CONF_WIDTHS_MAX + 1] = {0};
	bool none = nargs == 1 && is_off(args[0]);
	unsigned width;

	for (size_t i = 0; i < nargs && !none; i++) {
		if (!read_count(e, args[i], "width", UINT16_MAX, &width))
			return false;
		if (i && width <= widths[i - 1]) {
			mistake(e, args[i].at,
				"%u is no more than the width before it\n"
				"write the widths from small to large",
				width);
			return false;
		}
		widths[i] = (uint16_t)width;
	}
	memcpy(member, widths, sizeof(widths));
	return true;
}

static bool
write_widths(struct buf *b, const void *member, size_t i)
{
	const uint16_t *widths = member;

	if (!widths[0])
		buf_z(b, "off");
	for (size_t n = 0; widths[n]; n++)
		buf_printf(b, "%s%u", n ? " " : "", widths[n]);
	return true;
}

const struct kind kind_widths = {"WIDTH... | off", "320 640 1080 1920", 1,
	CONF_WIDTHS_MAX, false, set_widths, write_widths};

/* QUALITY QUALITY: distill_quality and distill_save_quality */
static bool
set_qualities(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf_site *s =
		container_of(member, struct conf_site, distill_quality);

	return read_count(e, args[0], "quality", 100, &s->distill_quality) &&
		read_count(
			e, args[1], "quality", 100, &s->distill_save_quality);
}

static bool
write_qualities(struct buf *b, const void *member, size_t i)
{
	const struct conf_site *s =
		container_of(member, struct conf_site, distill_quality);

	buf_printf(b, "%u %u", s->distill_quality, s->distill_save_quality);
	return true;
}

const struct kind kind_qualities = {"QUALITY QUALITY", "75 45", 2, 2, false,
	set_qualities, write_qualities};

/* NAME | off */
static bool
is_query_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_is_digit(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' &&
			(char_lower(s.p[i]) < 'a' || char_lower(s.p[i]) > 'z'))
			return false;
	return s.n && s.n <= 64;
}

static bool
set_query_name(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct str s = args[0].text;

	if (nargs == 1 && is_off(args[0]))
		return true;
	if (!is_query_name(s)) {
		mistake(e, args[0].at,
			"%s is not the name of a parameter\n"
			"write up to 64 letters, digits, `-` and `_`",
			quote(s).z);
		return false;
	}
	*(char **)member = xstrndup(s.p, s.n);
	return true;
}

static bool
write_query_name(struct buf *b, const void *member, size_t i)
{
	const char *name = *(char *const *)member;

	buf_z(b, name ? name : "off");
	return true;
}

const struct kind kind_query_name = {"NAME | off", "original", 1, 1, false,
	set_query_name, write_query_name};
