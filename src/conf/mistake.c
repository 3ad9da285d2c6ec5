/* Mistakes in a configuration: see mistake.h. */
#include "conf/mistake.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdlib.h>

static bool
is_before(struct position at, const struct conf_error *e)
{
	return at.line != e->line ? at.line < e->line : at.column < e->column;
}

void
mistake(struct conf_errors *errors, struct position at, const char *fmt, ...)
{
	struct buf b = {0};
	struct str hint, text;
	size_t i = errors->n;
	va_list ap;

	if (mistakes_full(errors))
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	hint = buf_view(&b);
	CHECK(str_split(&hint, '\n', &text) && hint.n > 0);

	errors->v = xrealloc(errors->v, (errors->n + 1) * sizeof(*errors->v));
	for (; i > 0 && is_before(at, &errors->v[i - 1]); i--)
		errors->v[i] = errors->v[i - 1];
	errors->v[i] = (struct conf_error){
		.line = at.line,
		.column = at.column,
		.text = xstrndup(text.p, text.n),
		.hint = xstrndup(hint.p, hint.n),
	};
	errors->n++;
	buf_fini(&b);
}

void
conf_errors_fini(struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		free(errors->v[i].text);
		free(errors->v[i].hint);
	}
	free(errors->v);
	*errors = (struct conf_errors){0};
}

struct quoted
quote(struct str word)
{
	static const char hex[] = "0123456789abcdef";
	struct quoted q;
	size_t n = 0;

	q.z[n++] = '`';
	for (size_t i = 0; i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];

		if (n > sizeof(q.z) - 9) { /* \xNN...` and the zero */
			memcpy(q.z + n, "...", 3);
			n += 3;
			break;
		}
		if (c >= 0x20 && c < 0x7f) {
			q.z[n++] = (char)c;
			continue;
		}
		q.z[n++] = '\\';
		q.z[n++] = 'x';
		q.z[n++] = hex[c >> 4];
		q.z[n++] = hex[c & 15];
	}
	q.z[n++] = '`';
	q.z[n] = 0;
	return q;
}
