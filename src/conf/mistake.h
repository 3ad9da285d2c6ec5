#pragma once
/*
 * Mistakes in a configuration: where, what is wrong, what to write instead.
 * They are kept in the file's order, and no more than MISTAKES_MAX of them.
 */
#include "conf/conf.h"

#define MISTAKES_MAX 50

struct position {
	unsigned line, column; /* from 1; line 0 is no place */
};

/* fmt is "what is wrong\nwhat to write instead". The values it prints must not
 * contain a newline: words of the file go through quote(). */
void mistake(struct conf_errors *errors, struct position at, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

static inline bool
mistakes_full(const struct conf_errors *errors)
{
	return errors->n == MISTAKES_MAX;
}

struct quoted {
	char z[80];
};

/* `word`, cut when long, safe for a terminal: quote(word).z */
struct quoted quote(struct str word);
