#include "http/tags.h"

#include "http/fields.h"

struct tags
tags_in(struct str fields)
{
	return (struct tags){.fields = fields};
}

static bool
next_field(struct tags *t)
{
	struct field f;

	while (fields_next(&t->fields, &f)) {
		if (f.id != FIELD_CACHE_TAG && f.id != FIELD_SURROGATE_KEY)
			continue;
		t->rest = f.value;
		t->separator = f.id == FIELD_CACHE_TAG ? ',' : ' ';
		return true;
	}
	return false;
}

bool
tags_next(struct tags *t, struct str *tag)
{
	do {
		struct str part;

		while (str_split(&t->rest, t->separator, &part)) {
			part = str_trim(part);
			if (part.n) {
				*tag = part;
				return true;
			}
		}
	} while (next_field(t));
	return false;
}

bool
tags_have(struct str fields, struct str tag)
{
	struct tags t = tags_in(fields);
	struct str other;

	/* Most don't have these bytes anywhere, and need not be read. */
	if (!memmem(fields.p, fields.n, tag.p, tag.n))
		return false;
	while (tags_next(&t, &other))
		if (str_eq(other, tag))
			return true;
	return false;
}
