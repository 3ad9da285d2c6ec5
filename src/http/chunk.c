/*
 * One state per place in the grammar; every byte but the data takes one step.
 *
 *	START -> SIZE [-> BLANK] [-> EXTENSION] -> SIZE_LF
 *	SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> START	  when the size is not 0
 *	SIZE_LF -> TRAILER [-> NAME -> VALUE -> VALUE_LF -> TRAILER] -> END_LF
 */
#include "http/chunk.h"

#include "http/char.h"

enum state {
	START,
	SIZE,
	BLANK, /* only an extension may follow */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER, /* at the start of a line */
	NAME,
	VALUE,
	VALUE_LF,
	END_LF,
	END,
	BAD,
};

static enum state
bad(struct chunk_decoder *d, const char *error)
{
	d->error = error;
	return BAD;
}

static enum state
step_digit(struct chunk_decoder *d, char c)
{
	int v = char_hex(c);

	if (v < 0)
		return bad(d, "bad chunk size");
	if (d->left >> 59) /* stay below INT64_MAX */
		return bad(d, "chunk size too large");
	d->left = d->left << 4 | (uint64_t)v;
	return SIZE;
}

/* What follows a size, its blanks, or within an extension. */
static enum state
step_after_size(struct chunk_decoder *d, char c)
{
	if (c == '\r' && d->state != BLANK)
		return SIZE_LF;
	if (d->state == EXTENSION)
		return char_is(c, CHAR_TEXT) ? EXTENSION
					     : bad(d, "bad chunk extension");
	if (c == ';')
		return EXTENSION;
	if (c == ' ' || c == '\t')
		return BLANK;
	return d->state == SIZE ? step_digit(d, c) : bad(d, "bad chunk size");
}

static enum state
step_lf(struct chunk_decoder *d, char c, enum state next)
{
	return c == '\n' ? next : bad(d, "CR without LF in chunked body");
}

static enum state
step_trailer(struct chunk_decoder *d, char c)
{
	if (c == '\r' && d->state == TRAILER)
		return END_LF;
	if (c == '\r' && d->state == VALUE)
		return VALUE_LF;
	if (c == ':' && d->state == NAME)
		return VALUE;
	if (char_is(c, d->state == VALUE ? CHAR_TEXT : CHAR_TOKEN))
		return d->state == VALUE ? VALUE : NAME;
	return bad(d, "bad trailer");
}

/* A byte of the trailers, but for the empty line at their end. */
static void
collect(struct chunk_decoder *d, char c)
{
	if (d->trailers && (d->state != TRAILER || c != '\r'))
		buf_append(d->trailers, &c, 1);
}

static enum state
step(struct chunk_decoder *d, char c)
{
	switch ((enum state)d->state) {
	case START: d->line = 1; return step_digit(d, c);
	case SIZE:
	case BLANK:
	case EXTENSION:
		if (++d->line > CHUNK_MAX_LINE)
			return bad(d, "chunk size line too long");
		return step_after_size(d, c);
	case SIZE_LF:
		d->line = 0;
		return step_lf(d, c, d->left ? DATA : TRAILER);
	case DATA_CR:
		return c == '\r' ? DATA_LF : bad(d, "chunk longer than said");
	case DATA_LF: return step_lf(d, c, START);
	case TRAILER:
	case NAME:
	case VALUE:
		if (++d->line > CHUNK_MAX_TRAILERS)
			return bad(d, "trailers too large");
		collect(d, c);
		return step_trailer(d, c);
	case VALUE_LF: collect(d, c); return step_lf(d, c, TRAILER);
	case END_LF: return step_lf(d, c, END);
	case DATA:
	case END:
	case BAD: break; /* chunk_decode() does not come here */
	}
	return BAD;
}

static void
take_data(struct chunk_decoder *d, struct str *in, struct str *data)
{
	*data = str_of(in->p, d->left < in->n ? (size_t)d->left : in->n);
	in->p += data->n;
	in->n -= data->n;
	d->left -= data->n;
	if (d->left == 0)
		d->state = DATA_CR;
}

enum chunk_result
chunk_decode(struct chunk_decoder *d, struct str *in, struct str *data)
{
	while (d->state != END && d->state != BAD && in->n) {
		if (d->state == DATA) {
			take_data(d, in, data);
			return CHUNK_DATA;
		}
		d->state = step(d, *in->p);
		in->p++;
		in->n--;
	}
	if (d->state == END)
		return CHUNK_END;
	return d->state == BAD ? CHUNK_BAD : CHUNK_MORE;
}

size_t
chunk_head(char out[CHUNK_HEAD_MAX], size_t n)
{
	size_t digits = 1;

	while (digits < 16 && n >> (digits * 4))
		digits++;
	for (size_t i = digits; i-- > 0; n >>= 4)
		out[i] = "0123456789abcdef"[n & 15];
	out[digits] = '\r';
	out[digits + 1] = '\n';
	return digits + 2;
}
