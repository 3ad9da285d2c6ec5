#include "http/char.h"

enum {
	N = CHAR_NAME | CHAR_TEXT,
	C = CHAR_TEXT | CHAR_VISIBLE | CHAR_PLAIN,
	W = N | CHAR_VISIBLE,
	V = W | CHAR_PLAIN,
	T = V | CHAR_TOKEN,
	U = T | CHAR_UNRESERVED,
};

/* clang-format off */
const unsigned char char_classes[256] = {
	['\t'] = CHAR_TEXT, [' '] = N,
	['!'] = T, ['"'] = V, ['#'] = W | CHAR_TOKEN, ['$'] = T,
	['%'] = W | CHAR_TOKEN, ['&' ... '\''] = T, ['(' ... ')'] = V,
	['*' ... '+'] = T, [','] = V, ['-'] = U,
	['.'] = W | CHAR_TOKEN | CHAR_UNRESERVED, ['/'] = V,
	['0' ... '9'] = U, [':'] = C, [';' ... '>'] = V, ['?'] = W, ['@'] = V,
	['A' ... 'Z'] = U,
	['[' ... ']'] = V, ['^'] = T, ['_'] = U, ['`'] = T, ['a' ... 'z'] = U,
	['{'] = V, ['|'] = T, ['}'] = V, ['~'] = U,
	[0x80 ... 0xff] = N,
};
/* clang-format on */
