/* The words of a configuration: see lex.h. */
#include "conf/lex.h"

static void
advance(struct lex *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (l->rest.p[i] == '\n') {
			l->at.line++;
			l->at.column = 1;
		} else {
			l->at.column++;
		}
	}
	l->rest.p += n;
	l->rest.n -= n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

static bool
ends_word(char c)
{
	return is_blank(c) || is_control(c) || memchr("\n;{}#\"", c, 6);
}

void
lex_init(struct lex *l, struct str text, struct conf_errors *errors)
{
	*l = (struct lex){text, {1, 1}, errors};
	if (str_starts(text, STR("\xef\xbb\xbf"))) { /* byte order mark */
		l->rest.p += 3;
		l->rest.n -= 3;
	}
}

/* One mistake for a run of them. */
static void
skip_control(struct lex *l)
{
	struct position at = l->at;
	unsigned char c = (unsigned char)l->rest.p[0];

	if (str_starts(l->rest, STR("\r\n"))) {
		advance(l, 1);
		return;
	}
	while (l->rest.n > 0 && is_control(l->rest.p[0]))
		advance(l, 1);
	mistake(l->errors, at,
		"control byte 0x%02x\n"
		"remove it; a configuration is plain text",
		c);
}

static void
skip_blanks_and_comments(struct lex *l)
{
	bool comment = false;

	while (l->rest.n > 0 && !mistakes_full(l->errors)) {
		char c = l->rest.p[0];

		if (is_control(c)) {
			skip_control(l);
			continue;
		}
		comment = c == '#' || (comment && c != '\n');
		if (!comment && !is_blank(c))
			return;
		advance(l, 1);
	}
}

static struct token
take(struct lex *l, enum lex_kind kind, size_t n)
{
	struct token t = {kind, l->at, str_of(l->rest.p, n)};

	advance(l, n);
	return t;
}

static struct token
take_word(struct lex *l)
{
	size_t n = 1;

	while (n < l->rest.n && !ends_word(l->rest.p[n]))
		n++;
	return take(l, LEX_WORD, n);
}

/* An unclosed one ends with its line. */
static struct token
take_quoted(struct lex *l)
{
	struct token t = {LEX_WORD, l->at, {l->rest.p + 1, 0}};

	advance(l, 1);
	while (l->rest.n > 0 && l->rest.p[0] != '"' && l->rest.p[0] != '\n') {
		if (is_control(l->rest.p[0]))
			skip_control(l);
		else
			advance(l, 1);
	}
	t.text.n = (size_t)(l->rest.p - t.text.p);
	if (l->rest.n > 0 && l->rest.p[0] == '"')
		advance(l, 1);
	else
		mistake(l->errors, t.at,
			"quote without an end on this line\n"
			"close it with `\"`");
	return t;
}

struct token
lex_next(struct lex *l)
{
	skip_blanks_and_comments(l);
	if (l->rest.n == 0 || mistakes_full(l->errors))
		return (struct token){LEX_EOF, l->at, {NULL, 0}};
	switch (l->rest.p[0]) {
	case '{': return take(l, LEX_OPEN, 1);
	case '}': return take(l, LEX_CLOSE, 1);
	case ';':
	case '\n': return take(l, LEX_END, 1);
	case '"': return take_quoted(l);
	default: return take_word(l);
	}
}
