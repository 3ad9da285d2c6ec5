#include "http/char.h"

enum {
	V = CHAR_TEXT | CHAR_VISIBLE,
	T = V | CHAR_TOKEN,
	U = T | CHAR_UNRESERVED,
};

/* clang-format off */
const unsigned char char_classes[256] = {
	['\t'] = CHAR_TEXT, [' '] = CHAR_TEXT,
	['!'] = T, ['"'] = V, ['#' ... '\''] = T, ['(' ... ')'] = V,
	['*' ... '+'] = T, [','] = V, ['-' ... '.'] = U, ['/'] = V,
	['0' ... '9'] = U, [':' ... '@'] = V, ['A' ... 'Z'] = U,
	['[' ... ']'] = V, ['^'] = T, ['_'] = U, ['`'] = T, ['a' ... 'z'] = U,
	['{'] = V, ['|'] = T, ['}'] = V, ['~'] = U,
	[0x80 ... 0xff] = CHAR_TEXT,
};
/* clang-format on */
