#pragma once
/* The names of header fields that some part of us looks at: fields.def. */
#include "base/str.h"

enum field_id {
	FIELD_OTHER,
#define FIELD(id, name) FIELD_##id,
#include "http/fields.def"
#undef FIELD
	FIELD_COUNT
};

/* FIELD_OTHER if it is none of ours. The name is not empty, and has no control
 * bytes. */
enum field_id field_id_of(struct str name);
