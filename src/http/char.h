#pragma once
/* The classes of bytes that the grammar of HTTP and URIs is made of. */
#include "base/str.h"

enum {
	CHAR_TEXT = 1,	     /* in a field value: HTAB, SP, visible, >= 0x80 */
	CHAR_VISIBLE = 2,    /* 0x21 to 0x7e */
	CHAR_TOKEN = 4,	     /* tchar of RFC 9110, 5.6.2 */
	CHAR_UNRESERVED = 8, /* RFC 3986, 2.3 */
	CHAR_PLAIN = 16,     /* visible, but for "#%.?": see http/uri.c */
	CHAR_NAME = 32,	     /* no colon, and no control byte */
};

extern const unsigned char char_classes[256];

static inline bool
char_is(char c, unsigned class)
{
	return char_classes[(unsigned char)c] & class;
}

/* How many bytes at the start of s are of the class? */
static inline size_t
char_span(struct str s, unsigned class)
{
	size_t n = 0;

	while (n < s.n && char_is(s.p[n], class))
		n++;
	return n;
}

/* At least one byte, and all of them of the class? */
static inline bool
char_all(struct str s, unsigned class)
{
	return s.n && char_span(s, class) == s.n;
}

/* 0 to 15, or -1. */
static inline int
char_hex(char c)
{
	if (char_is_digit(c))
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
