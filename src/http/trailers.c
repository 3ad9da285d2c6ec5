#include "http/trailers.h"

#include "http/char.h"
#include "http/fields.h"

/* Beside the names that we know. */
static const struct str barred[] = {
	STR("clear-site-data"),
	STR("content-disposition"),
	STR("content-language"),
	STR("content-security-policy"),
	STR("location"),
	STR("refresh"),
	STR("retry-after"),
	STR("strict-transport-security"),
	STR("warning"),
	STR("www-authenticate"),
	STR("x-real-ip"),
};

static const struct str barred_prefixes[] = {
	STR("access-control-"),
	STR("if-"),
	STR("proxy-"),
	STR("sec-"),
	STR("x-forwarded-"),
};

static bool
is_barred(const struct field *f)
{
	if (f->id != FIELD_OTHER)
		return true;
	for (size_t i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (str_ieq(f->name, barred[i]))
			return true;
	for (size_t i = 0;
		i < sizeof(barred_prefixes) / sizeof(barred_prefixes[0]); i++) {
		size_t n = barred_prefixes[i].n;

		if (f->name.n >= n &&
			str_ieq(str_of(f->name.p, n), barred_prefixes[i]))
			return true;
	}
	return false;
}

void
trailers_put(struct str lines, struct buf *out)
{
	struct field f;

	while (fields_next(&lines, &f))
		if (char_all(f.name, CHAR_TOKEN) && !is_barred(&f) &&
			char_span(f.value, CHAR_TEXT) == f.value.n)
			fields_put(f.name, f.value, out);
}

bool
trailers_may_pass(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_CONNECTION);
	struct str rest, name;

	for (; f; f = head_next(h, f)) {
		rest = f->value;
		while (list_next(&rest, &name))
			if (field_id_of(name) == FIELD_OTHER &&
				!str_ieq(name, STR("close")))
				return false;
	}
	return true;
}

bool
trailers_are_wanted(const struct head *request)
{
	return request->minor > 0 &&
		head_has_token(request, FIELD_TE, STR("trailers"));
}
