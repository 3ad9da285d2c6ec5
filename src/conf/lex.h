#pragma once
/*
 * The words of a configuration. Blanks separate words; `{`, `}`, `;`, the end
 * of the line and `#` (a comment to the end of the line) end them. "..." is one
 * word, on one line, taken as it is. Bytes that have no business in a text
 * file are reported and count as blanks.
 */
#include "conf/mistake.h"

enum lex_kind { LEX_WORD, LEX_OPEN, LEX_CLOSE, LEX_END, LEX_EOF };

struct token {
	enum lex_kind kind;
	struct position at;
	struct str text; /* borrowed: the configuration's text */
};

struct lex {
	struct str rest;
	struct position at; /* of rest's first byte */
	struct conf_errors *errors;
};

void lex_init(struct lex *l, struct str text, struct conf_errors *errors);
/* LEX_EOF again and again at the end, or once there are enough mistakes. */
struct token lex_next(struct lex *l);
