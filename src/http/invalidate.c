#include "http/invalidate.h"

#include "http/uri.h"

/* The start of a key up to its path. */
static struct str
origin_of(struct str key)
{
	struct str rest = key, part;

	for (unsigned i = 0; i < 3; i++) /* "http:", "", "host:port" */
		(void)str_split(&rest, '/', &part);
	return str_of(key.p, (size_t)(part.p + part.n - key.p));
}

static void
put_named(struct str key, struct str reference, struct buf *out)
{
	struct buf named = {0};

	if (uri_resolve(key, reference, &named) == 0 &&
		str_eq(origin_of(key), origin_of(buf_view(&named)))) {
		buf_str(out, buf_view(&named));
		buf_z(out, "\n");
	}
	buf_fini(&named);
}

void
invalidate(enum method m, struct str key, const struct head *response,
	struct buf *out)
{
	if (method_is_safe(m) || response->status < 200 ||
		response->status >= 400)
		return;
	buf_str(out, key);
	buf_z(out, "\n");
	for (unsigned i = 0; i < response->nfields; i++) {
		const struct field *f = &response->fields[i];

		if (f->id == FIELD_LOCATION || f->id == FIELD_CONTENT_LOCATION)
			put_named(key, f->value, out);
	}
}
