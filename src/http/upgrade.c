#include "http/upgrade.h"

#include "http/char.h"

/* A name and perhaps, behind a slash, a version: both are tokens. What is none
 * of this could become part of its neighbour in the list that is passed on. */
static bool
is_protocol(struct str s)
{
	size_t n = char_span(s, CHAR_TOKEN);

	return n &&
		(n == s.n ||
			(s.p[n] == '/' &&
				char_all(str_of(s.p + n + 1, s.n - n - 1),
					CHAR_TOKEN)));
}

static bool
may_pass(struct str protocol)
{
	struct str name = str_of(protocol.p, char_span(protocol, CHAR_TOKEN));

	return is_protocol(protocol) && !str_ieq(name, STR("HTTP")) &&
		!str_ieq(name, STR("h2c")) && !str_ieq(name, STR("h2")) &&
		!str_ieq(name, STR("TLS"));
}

bool
upgrade_is_offered(const struct head *request)
{
	const struct field *f = head_find(request, FIELD_UPGRADE);
	struct str rest, protocol;

	if (request->minor == 0 ||
		!head_has_token(request, FIELD_CONNECTION, STR("upgrade")))
		return false;
	for (; f; f = head_next(request, f)) {
		rest = f->value;
		while (list_next(&rest, &protocol))
			if (may_pass(protocol))
				return true;
	}
	return false;
}

void
upgrade_put(const struct head *request, struct buf *out)
{
	const struct field *f = head_find(request, FIELD_UPGRADE);
	struct str rest, protocol;
	unsigned n = 0;

	if (!upgrade_is_offered(request))
		return;
	for (; f; f = head_next(request, f)) {
		rest = f->value;
		while (list_next(&rest, &protocol))
			if (may_pass(protocol)) {
				buf_z(out, n++ ? ", " : "");
				buf_str(out, protocol);
			}
	}
}

bool
upgrade_is_chosen(const struct head *response, const struct head *request)
{
	const struct field *f = head_find(response, FIELD_UPGRADE);
	struct str rest, protocol;
	unsigned n = 0;

	for (; f; f = head_next(response, f)) {
		rest = f->value;
		while (list_next(&rest, &protocol)) {
			n++;
			if (!may_pass(protocol) ||
				!head_has_token(
					request, FIELD_UPGRADE, protocol))
				return false;
		}
	}
	return n > 0 && upgrade_is_offered(request);
}
