#include "http/fields.h"

#include "http/cachectl.h"

bool
fields_next(struct str *rest, struct field *out)
{
	struct str line, name;

	while (rest->n && str_split(rest, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!str_split(&line, ':', &name) || !name.n || !line.p)
			continue;
		*out = (struct field){name, str_trim(line), field_id_of(name)};
		return true;
	}
	return false;
}

void
fields_put(struct str name, struct str value, struct buf *out)
{
	buf_str(out, name);
	buf_str(out, STR(": "));
	buf_str(out, value);
	buf_str(out, STR("\r\n"));
}

bool
fields_to_head(struct str fields, unsigned status, struct head *out)
{
	const unsigned most = HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS;
	struct field f;

	memset(out, 0, offsetof(struct head, fields));
	out->status = status;
	out->minor = 1;
	while (fields_next(&fields, &f)) {
		if (out->nfields == most)
			return false;
		head_add(out, f.name, f.value);
	}
	return true;
}

/* Is it true of the stored bytes, whatever an update says? */
static bool
describes_bytes(enum field_id id)
{
	switch (id) {
	case FIELD_CONTENT_ENCODING:
	case FIELD_CONTENT_LENGTH:
	case FIELD_CONTENT_RANGE:
	case FIELD_ETAG: return true;
	default: return false;
	}
}

/* What an update brings, and whose Cache-Control says what may be stored: its
 * own if it has one. */
struct update {
	const struct head *head;
	const struct head *rules;
};

static bool
is_taken(const struct update *u, const struct field *f)
{
	return !describes_bytes(f->id) && f->id != FIELD_AGE &&
		f->id != FIELD_SET_COOKIE && f->id != FIELD_TRAILER &&
		!head_is_hop_by_hop(u->head, f) &&
		!cachectl_withholds(u->rules, f);
}

/* Is a stored field gone after the update? */
static bool
is_replaced(const struct update *u, const struct field *stored)
{
	for (unsigned i = 0; i < u->head->nfields; i++) {
		const struct field *f = &u->head->fields[i];

		if (str_ieq(f->name, stored->name) && is_taken(u, f))
			return true;
	}
	return cachectl_withholds(u->rules, stored);
}

void
fields_update(struct str stored, const struct head *update, struct buf *out)
{
	struct update u = {update, update};
	struct head old;
	struct field f;

	if (!head_find(update, FIELD_CACHE_CONTROL) &&
		!head_find(update, FIELD_CDN_CACHE_CONTROL) &&
		fields_to_head(stored, update->status, &old))
		u.rules = &old;
	while (fields_next(&stored, &f))
		if (!is_replaced(&u, &f))
			fields_put(f.name, f.value, out);
	for (unsigned i = 0; i < update->nfields; i++)
		if (is_taken(&u, &update->fields[i]))
			fields_put(update->fields[i].name,
				update->fields[i].value, out);
}
