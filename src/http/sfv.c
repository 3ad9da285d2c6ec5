/*
 * A function per rule of RFC 9651, 4.2: each takes what it parses off the
 * start of *s and says whether it was there. After a "no" *s means nothing.
 */
#include "http/sfv.h"

#include "http/char.h"

enum {
	INTEGER_DIGITS = 15,
	DECIMAL_DIGITS = 12, /* before the point */
	FRACTION_DIGITS = 3,
};

static struct str
skip(struct str *s, size_t n)
{
	struct str skipped = str_of(s->p, n);

	s->p += n;
	s->n -= n;
	return skipped;
}

static bool
starts(const struct str *s, char c)
{
	return s->n && s->p[0] == c;
}

static bool
eat(struct str *s, char c)
{
	if (!starts(s, c))
		return false;
	skip(s, 1);
	return true;
}

static size_t
eat_digits(struct str *s)
{
	size_t n = 0;

	while (n < s->n && char_is_digit(s->p[n]))
		n++;
	skip(s, n);
	return n;
}

static void
eat_spaces(struct str *s)
{
	while (eat(s, ' '))
		;
}

static bool
eat_key(struct str *s, struct str *key)
{
	size_t n = 0;

	if (!s->n || !(s->p[0] == '*' || (s->p[0] >= 'a' && s->p[0] <= 'z')))
		return false;
	while (n < s->n &&
		((s->p[n] >= 'a' && s->p[n] <= 'z') || char_is_digit(s->p[n]) ||
			(s->p[n] && strchr("_-.*", s->p[n]))))
		n++;
	*key = skip(s, n);
	return true;
}

static bool
eat_number(struct str *s, enum sfv_type *type)
{
	size_t whole, fraction;

	(void)eat(s, '-');
	whole = eat_digits(s);
	*type = SFV_INTEGER;
	if (!eat(s, '.'))
		return whole >= 1 && whole <= INTEGER_DIGITS;
	fraction = eat_digits(s);
	*type = SFV_DECIMAL;
	return whole >= 1 && whole <= DECIMAL_DIGITS && fraction >= 1 &&
		fraction <= FRACTION_DIGITS;
}

/* s is at the opening quote. */
static bool
eat_string(struct str *s)
{
	skip(s, 1);
	while (s->n && !starts(s, '"')) {
		if (s->p[0] < ' ' || s->p[0] > '~')
			return false;
		if (eat(s, '\\') && !starts(s, '"') && !starts(s, '\\'))
			return false;
		skip(s, 1);
	}
	return eat(s, '"');
}

static bool
eat_token(struct str *s)
{
	while (s->n &&
		(char_is(s->p[0], CHAR_TOKEN) || s->p[0] == ':' ||
			s->p[0] == '/'))
		skip(s, 1);
	return true;
}

static bool
is_base64(char c)
{
	return char_is_digit(c) ||
		(char_lower(c) >= 'a' && char_lower(c) <= 'z') || c == '+' ||
		c == '/' || c == '=';
}

static bool
eat_bytes(struct str *s)
{
	skip(s, 1);
	while (s->n && is_base64(s->p[0]))
		skip(s, 1);
	return eat(s, ':');
}

static bool
eat_boolean(struct str *s)
{
	skip(s, 1);
	return eat(s, '0') || eat(s, '1');
}

static bool
eat_date(struct str *s)
{
	enum sfv_type type;

	skip(s, 1);
	return eat_number(s, &type) && type == SFV_INTEGER;
}

static bool
is_lower_hex(char c)
{
	return char_is_digit(c) || (c >= 'a' && c <= 'f');
}

/* %"...", with bytes beyond ASCII as %e4; s is at the percent sign. Whether
 * those bytes are UTF-8 is of no interest to us. */
static bool
eat_display_string(struct str *s)
{
	skip(s, 1);
	if (!eat(s, '"'))
		return false;
	while (s->n && !starts(s, '"')) {
		if (s->p[0] < ' ' || s->p[0] > '~')
			return false;
		if (s->p[0] != '%')
			skip(s, 1);
		else if (s->n > 2 && is_lower_hex(s->p[1]) &&
			is_lower_hex(s->p[2]))
			skip(s, 3);
		else
			return false;
	}
	return eat(s, '"');
}

static bool
eat_bare_item(struct str *s, enum sfv_type *type)
{
	char c = s->n ? s->p[0] : '\0';

	if (c == '-' || char_is_digit(c))
		return eat_number(s, type);
	switch (c) {
	case '"': *type = SFV_STRING; return eat_string(s);
	case ':': *type = SFV_BYTES; return eat_bytes(s);
	case '?': *type = SFV_BOOLEAN; return eat_boolean(s);
	case '@': *type = SFV_DATE; return eat_date(s);
	case '%': *type = SFV_DISPLAY_STRING; return eat_display_string(s);
	default: break;
	}
	*type = SFV_TOKEN;
	return (c == '*' || (char_lower(c) >= 'a' && char_lower(c) <= 'z')) &&
		eat_token(s);
}

static bool
eat_parameters(struct str *s)
{
	enum sfv_type type;
	struct str key;

	while (eat(s, ';')) {
		eat_spaces(s);
		if (!eat_key(s, &key))
			return false;
		if (eat(s, '=') && !eat_bare_item(s, &type))
			return false;
	}
	return true;
}

/* s is at the opening parenthesis. */
static bool
eat_inner_list(struct str *s)
{
	enum sfv_type type;

	skip(s, 1);
	for (;;) {
		eat_spaces(s);
		if (eat(s, ')'))
			return true;
		if (!eat_bare_item(s, &type) || !eat_parameters(s))
			return false;
		if (!starts(s, ' ') && !starts(s, ')'))
			return false;
	}
}

static bool
eat_value(struct str *s, struct sfv_member *out)
{
	const char *start = s->p;
	bool ok;

	if (starts(s, '(')) {
		out->type = SFV_INNER_LIST;
		ok = eat_inner_list(s);
	} else {
		ok = eat_bare_item(s, &out->type);
	}
	out->value = str_of(start, (size_t)(s->p - start));
	return ok;
}

static bool
eat_member(struct str *s, struct sfv_member *out)
{
	if (!eat_key(s, &out->key))
		return false;
	out->type = SFV_BOOLEAN;
	out->value = str_of(s->p, 0);
	if (eat(s, '=') && !eat_value(s, out))
		return false;
	return eat_parameters(s);
}

/* What is between two members, or nothing at the end. */
static bool
eat_comma(struct str *s)
{
	*s = str_trim(*s);
	if (s->n == 0)
		return true;
	if (!eat(s, ','))
		return false;
	*s = str_trim(*s);
	return s->n > 0;
}

bool
sfv_dict_next(struct str *rest, struct sfv_member *out)
{
	struct sfv_member m;

	*rest = str_trim(*rest);
	if (!rest->n || !eat_member(rest, &m) || !eat_comma(rest)) {
		*rest = (struct str){0};
		return false;
	}
	*out = m;
	return true;
}

bool
sfv_is_dict(struct str s)
{
	struct sfv_member m;

	s = str_trim(s);
	while (s.n)
		if (!eat_member(&s, &m) || !eat_comma(&s))
			return false;
	return true;
}

bool
sfv_is_false(const struct sfv_member *m)
{
	return m->type == SFV_BOOLEAN && str_eq(m->value, STR("?0"));
}
