#pragma once
/*
 * Structured field values (RFC 9651), as much of them as reading a Dictionary
 * takes. Strict: a value that breaks the grammar anywhere is bad as a whole,
 * so whoever reads members asks sfv_is_dict() first. Parameters and the
 * members of inner lists are checked and passed over. Slices are borrowed.
 */
#include "base/str.h"

enum sfv_type {
	SFV_INTEGER,
	SFV_DECIMAL,
	SFV_STRING,
	SFV_TOKEN,
	SFV_BYTES,
	SFV_BOOLEAN,
	SFV_DATE,
	SFV_DISPLAY_STRING,
	SFV_INNER_LIST,
};

struct sfv_member {
	struct str key;
	enum sfv_type type;
	/* As written, with quotes, without parameters. Empty when a key stands
	 * alone, which is the Boolean true. */
	struct str value;
};

/* Is s a Dictionary? An empty one is. */
bool sfv_is_dict(struct str s);

/* The next member of a Dictionary; *rest becomes what follows. Of members with
 * the same key the last one counts. False at the end, and at an error. */
bool sfv_dict_next(struct str *rest, struct sfv_member *out);

/* Is it ?0? */
bool sfv_is_false(const struct sfv_member *m);
