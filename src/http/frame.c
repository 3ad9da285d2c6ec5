#include "http/frame.h"

static enum frame_result
refuse(const char **why, enum frame_result result, const char *text)
{
	*why = text;
	return result;
}

/* The elements of all Content-Length fields must be the same number. An empty
 * element is no number: nobody sends one in good faith. */
static enum frame_result
read_length(const struct head *h, uint64_t *length, const char **why)
{
	const struct field *f = head_find(h, FIELD_CONTENT_LENGTH);
	bool seen = false;
	uint64_t v;

	for (; f; f = head_next(h, f)) {
		struct str rest = f->value, element;

		while (str_split(&rest, ',', &element)) {
			if (str_u64(str_trim(element), INT64_MAX, &v))
				return refuse(
					why, FRAME_BAD, "bad Content-Length");
			if (seen && v != *length)
				return refuse(why, FRAME_BAD,
					"Content-Lengths differ");
			seen = true;
			*length = v;
		}
	}
	return FRAME_OK;
}

/* The elements of all Transfer-Encoding fields must be: chunked. Empty ones
 * are refused, too: there are parsers to which "chunked," is not chunked. */
static enum frame_result
read_codings(const struct head *h, const char **why)
{
	const struct field *f = head_find(h, FIELD_TRANSFER_ENCODING);
	unsigned chunked = 0, others = 0;

	for (; f; f = head_next(h, f)) {
		struct str rest = f->value, element;

		while (str_split(&rest, ',', &element)) {
			element = str_trim(element);
			if (element.n == 0)
				return refuse(why, FRAME_BAD,
					"empty Transfer-Encoding");
			if (chunked)
				return refuse(why, FRAME_BAD,
					"chunked is not the last coding");
			if (str_ieq(element, STR("chunked")))
				chunked++;
			else
				others++;
		}
	}
	if (others)
		return refuse(why, FRAME_UNIMPLEMENTED,
			"transfer coding other than chunked");
	return FRAME_OK;
}

/* otherwise: what it is when the fields say nothing. */
static enum frame_result
read_fields(const struct head *h, enum frame_kind otherwise, struct frame *out,
	const char **why)
{
	bool coded = head_find(h, FIELD_TRANSFER_ENCODING);
	bool counted = head_find(h, FIELD_CONTENT_LENGTH);
	struct frame f = {.kind = otherwise};
	enum frame_result result = FRAME_OK;

	if (coded && counted)
		return refuse(why, FRAME_BAD,
			"both Content-Length and Transfer-Encoding");
	if (coded && h->minor == 0)
		return refuse(why, FRAME_BAD, "Transfer-Encoding in HTTP/1.0");
	if (coded) {
		f.kind = FRAME_CHUNKED;
		result = read_codings(h, why);
	} else if (counted) {
		f.kind = FRAME_LENGTH;
		result = read_length(h, &f.length, why);
	}
	if (result == FRAME_OK)
		*out = f;
	return result;
}

enum frame_result
frame_of_request(const struct head *h, struct frame *out, const char **why)
{
	struct frame f;
	enum frame_result result = read_fields(h, FRAME_NONE, &f, why);

	/* A tunnel begins behind it, not content (RFC 9110, 9.3.6). */
	if (result == FRAME_OK && h->method == METHOD_CONNECT) {
		if (f.kind == FRAME_CHUNKED || f.length)
			return refuse(why, FRAME_BAD, "CONNECT with content");
		f.kind = FRAME_NONE;
	}
	if (result == FRAME_OK)
		*out = f;
	return result;
}

static bool
has_no_body(unsigned status, enum method request)
{
	return request == METHOD_HEAD || status < 200 || status == 204 ||
		status == 304 || (request == METHOD_CONNECT && status < 300);
}

enum frame_result
frame_of_response(const struct head *h, enum method request, struct frame *out,
	const char **why)
{
	struct frame f;
	const char *text;
	enum frame_result result = read_fields(h, FRAME_CLOSE, &f, &text);

	if (result != FRAME_BAD && has_no_body(h->status, request)) {
		f = (struct frame){.kind = FRAME_NONE};
		result = FRAME_OK;
	}
	if (result == FRAME_OK)
		*out = f;
	else
		*why = text;
	return result;
}
