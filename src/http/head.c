/*
 * One pass, a line at a time: the first line, then field lines until the empty
 * one. Each step looks no further than its line's limit; what can't be right
 * is looked at once more, to say why. A call after HEAD_MORE begins anew.
 */
#include "http/head.h"

#include "base/check.h"
#include "http/span.h"
#include "http/uri.h"

static_assert(FIELD_COUNT <= 64, "a set of ids is 64 bits");
static_assert(HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS <= 256, "indices are bytes");

const struct head_limits head_limits_default = {
	.line = HEAD_MAX_LINE,
	.field = HEAD_MAX_FIELD,
	.bytes = HEAD_MAX_BYTES,
	.fields = HEAD_MAX_FIELDS,
};

/* Of a field that came in several lines, we make one. */
static const struct head_limits own_limits = {
	.line = HEAD_MAX_LINE + HEAD_ADDED_BYTES,
	.field = HEAD_MAX_BYTES + HEAD_ADDED_BYTES,
	.bytes = HEAD_MAX_BYTES + HEAD_ADDED_BYTES,
	.fields = HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS,
};

static enum head_result
fail(struct head *h, enum head_result result, const char *error)
{
	h->error = error;
	return result;
}

static struct str
up_to(struct str s, size_t most)
{
	return str_of(s.p, s.n < most ? s.n : most);
}

static struct str
from(struct str s, size_t at)
{
	return str_of(s.p + at, s.n - at);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* There is text up to `end`, and no line's end. */
static enum head_result
no_line_end(struct str in, size_t end, struct head *h)
{
	if (end == in.n || (in.p[end] == '\r' && end + 1 == in.n))
		return HEAD_MORE;
	if (in.p[end] == '\n')
		return fail(h, HEAD_BAD, "bare LF");
	if (in.p[end] == '\r')
		return fail(h, HEAD_BAD, "bare CR");
	return fail(h, HEAD_BAD, "control byte");
}

/* There is text up to `end`: is that a whole line? */
static inline enum head_result
line_end(struct str in, size_t end, struct head *h)
{
	const char *p = in.p + end;

	return in.n - end >= 2 && p[0] == '\r' && p[1] == '\n'
		? HEAD_DONE
		: no_line_end(in, end, h);
}

/* --- the first line --------------------------------------------------------
 */

/* The line that begins at `at`, without its CRLF. */
static enum head_result
take_line(
	struct str in, size_t at, size_t most, struct head *h, struct str *line)
{
	size_t end = span_text(up_to(in, at + most + 1), at);

	if (end - at > most)
		return fail(h, HEAD_LINE_TOO_LONG, "first line too long");
	*line = str_of(in.p + at, end - at);
	return line_end(in, end, h);
}

static enum head_result
parse_version(struct str s, struct head *h)
{
	if (str_eq(s, STR("HTTP/1.1"))) {
		h->minor = 1;
		return HEAD_DONE;
	}
	if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 ||
		!char_is_digit(s.p[5]) || s.p[6] != '.' ||
		!char_is_digit(s.p[7]))
		return fail(h, HEAD_BAD, "no HTTP version");
	if (s.p[5] != '1' || s.p[7] > '1')
		return fail(h, HEAD_VERSION, "HTTP version not supported");
	h->minor = (unsigned)(s.p[7] - '0');
	return HEAD_DONE;
}

static enum method
method_if(struct str s, const char *name, enum method method)
{
	return memcmp(s.p, name, s.n) == 0 ? method : METHOD_OTHER;
}

/* One or two methods have each length and first letter. */
static enum method
method_of(struct str s)
{
	switch (s.n) {
	case 3:
		return s.p[0] == 'G' ? method_if(s, "GET", METHOD_GET)
				     : method_if(s, "PUT", METHOD_PUT);
	case 4:
		return s.p[0] == 'H' ? method_if(s, "HEAD", METHOD_HEAD)
				     : method_if(s, "POST", METHOD_POST);
	case 5:
		return s.p[0] == 'T' ? method_if(s, "TRACE", METHOD_TRACE)
				     : method_if(s, "PATCH", METHOD_PATCH);
	case 6: return method_if(s, "DELETE", METHOD_DELETE);
	case 7:
		return s.p[0] == 'O' ? method_if(s, "OPTIONS", METHOD_OPTIONS)
				     : method_if(s, "CONNECT", METHOD_CONNECT);
	default: return METHOD_OTHER;
	}
}

bool
method_is_safe(enum method m)
{
	switch (m) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_OPTIONS:
	case METHOD_TRACE: return true;
	default: return false;
	}
}

static enum head_result
request_line(struct str line, struct head *h)
{
	size_t method = char_span(line, CHAR_TOKEN), end;

	if (method == 0 || method == line.n || line.p[method] != ' ')
		return fail(h, HEAD_BAD, "no method");
	h->method_str = str_of(line.p, method);
	h->method = method_of(h->method_str);
	end = span_visible(line, method + 1);
	if (end == method + 1 || (end < line.n && line.p[end] != ' '))
		return fail(h, HEAD_BAD, "bad request target");
	if (end == line.n)
		return fail(h, HEAD_BAD, "request line is not of three parts");
	h->target = from(up_to(line, end), method + 1);
	return parse_version(from(line, end + 1), h);
}

static enum head_result
status_line(struct str line, struct head *h)
{
	enum head_result result = parse_version(up_to(line, 8), h);
	uint64_t status;

	if (result != HEAD_DONE)
		return result;
	/* Some servers leave out the space before an empty reason. */
	if (line.n < 12 || line.p[8] != ' ' ||
		(line.n > 12 && line.p[12] != ' ') ||
		str_u64(str_of(line.p + 9, 3), 599, &status) || status < 100)
		return fail(h, HEAD_BAD, "no status code from 100 to 599");
	h->status = (unsigned)status;
	h->reason = from(line, line.n > 13 ? 13 : line.n);
	return HEAD_DONE;
}

/* --- fields -------------------------------------------------------------- */

static inline void
add(struct head *h, struct str name, struct str value, enum field_id id)
{
	uint64_t bit = UINT64_C(1) << id;

	if (h->present & bit)
		h->repeated |= bit;
	else
		h->first[id] = (unsigned char)h->nfields;
	h->present |= bit;
	h->fields[h->nfields++] = (struct field){name, value, id};
}

void
head_add(struct head *h, struct str name, struct str value)
{
	add(h, name, value, field_id_of(name));
}

void
head_set(struct head *h, struct str name, struct str value)
{
	enum field_id id = field_id_of(name);

	if (!head_find(h, id))
		add(h, name, value, id);
	for (unsigned i = 0; i < h->nfields; i++)
		if (h->fields[i].id == id)
			h->fields[i].value = value;
}

/* No name and colon are there from `at` on, of what its line may have: will
 * they be? */
static enum head_result
refuse_name(struct str line, size_t at, size_t most, struct head *h)
{
	size_t end = span_token(line, at);

	if (end == line.n && end > at)
		return end - at > most
			? fail(h, HEAD_FIELD_TOO_LONG, "field line too long")
			: HEAD_MORE;
	if (!is_blank(line.p[end]))
		return fail(h, HEAD_BAD, "field line without a name");
	return fail(h, HEAD_BAD,
		end > at ? "blank in or after a field name"
			 : "folded field line");
}

/* Blanks after the value of the newest field. Parsers that take SP alone for a
 * blank there see no "chunked" in "chunked\t". */
static enum head_result
check_tabs(struct str blanks, struct head *h)
{
	enum field_id id = h->fields[h->nfields - 1].id;

	if ((id == FIELD_TRANSFER_ENCODING || id == FIELD_CONTENT_LENGTH) &&
		memchr(blanks.p, '\t', blanks.n))
		return fail(h, HEAD_BAD, "tab behind a length or coding");
	return HEAD_DONE;
}

/* The field line that begins at *at, which becomes the next line's. */
static enum head_result
take_field(struct str in, size_t *at, const struct head_limits *limits,
	struct head *h)
{
	struct str line = up_to(in, *at + limits->field + 1), name;
	size_t value = span_name(line, *at), end, text_end;
	enum field_id id = FIELD_OTHER;
	enum head_result result;

	if (h->nfields == limits->fields)
		return fail(h, HEAD_TOO_MANY_FIELDS, "too many fields");
	name = str_of(in.p + *at, value - *at);
	if (value < line.n && name.n)
		id = field_id_of(name);
	if (value == line.n || line.p[value] != ':' || !name.n ||
		(id == FIELD_OTHER && span_token(line, *at) != value))
		return refuse_name(line, *at, limits->field, h);
	do
		value++;
	while (value < line.n && is_blank(line.p[value]));
	text_end = end = span_text(line, value);
	if (end - *at > limits->field)
		return fail(h, HEAD_FIELD_TOO_LONG, "field line too long");
	result = line_end(in, end, h);
	if (result != HEAD_DONE)
		return result;
	while (end > value && is_blank(in.p[end - 1]))
		end--;
	add(h, name, str_of(in.p + value, end - value), id);
	*at = text_end + 2;
	return end < text_end
		? check_tabs(str_of(in.p + end, text_end - end), h)
		: HEAD_DONE;
}

/* The field lines from `at` on, and the empty one. */
static enum head_result
take_fields(struct str in, size_t at, const struct head_limits *limits,
	struct head *h)
{
	enum head_result result = HEAD_DONE;

	while (at < in.n && in.p[at] != '\r') {
		result = take_field(in, &at, limits, h);
		if (result != HEAD_DONE)
			return result;
	}
	h->bytes = at + 2;
	return line_end(in, at, h);
}

/* --- heads -----------------------------------------------------------------
 */

/* Clears all but the fields, which are 4 KB and counted, and where they are. */
static void
head_clear(struct head *h)
{
	memset(h, 0, offsetof(struct head, first));
}

/* The message begins after `start` bytes. */
static enum head_result
parse(struct str in, size_t start, const struct head_limits *limits,
	struct head *h,
	enum head_result (*parse_line)(struct str, struct head *))
{
	struct str seen = up_to(in, limits->bytes), line;
	enum head_result result = HEAD_MORE;

	CHECK(limits->fields <= HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS);
	if (start < seen.n)
		result = take_line(seen, start, limits->line, h, &line);
	if (result == HEAD_DONE)
		result = parse_line(line, h);
	if (result == HEAD_DONE)
		result = take_fields(seen, start + line.n + 2, limits, h);
	if (result == HEAD_MORE && in.n >= limits->bytes)
		return fail(h, HEAD_TOO_LARGE, "head too large");
	return result;
}

/* RFC 9112, 3.2. */
static enum head_result
check_host(struct head *h)
{
	const struct field *f = head_find(h, FIELD_HOST);

	if (!f && h->minor > 0)
		return fail(h, HEAD_BAD, "no Host");
	if (f && head_next(h, f))
		return fail(h, HEAD_BAD, "more than one Host");
	if (f && uri_parse_authority(f->value, &h->host, &h->port))
		return fail(h, HEAD_BAD, "bad Host");
	return HEAD_DONE;
}

enum head_result
head_parse_request_within(
	struct str in, const struct head_limits *limits, struct head *h)
{
	enum head_result result;
	size_t start = 0;

	head_clear(h);
	while (start <= 2 && in.n - start >= 2 &&
		memcmp(in.p + start, "\r\n", 2) == 0)
		start += 2;
	result = parse(in, start, limits, h, request_line);
	return result == HEAD_DONE ? check_host(h) : result;
}

enum head_result
head_parse_response_within(
	struct str in, const struct head_limits *limits, struct head *h)
{
	head_clear(h);
	return parse(in, 0, limits, h, status_line);
}

enum head_result
head_parse_request(struct str in, struct head *h)
{
	return head_parse_request_within(in, &head_limits_default, h);
}

enum head_result
head_parse_response(struct str in, struct head *h)
{
	return head_parse_response_within(in, &head_limits_default, h);
}

enum head_result
head_parse_own_request(struct str in, struct head *h)
{
	return head_parse_request_within(in, &own_limits, h);
}

enum head_result
head_parse_own_response(struct str in, struct head *h)
{
	return head_parse_response_within(in, &own_limits, h);
}

/* --- questions about fields -------------------------------------------------
 */

const struct field *
head_next(const struct head *h, const struct field *f)
{
	enum field_id id = f->id;

	if (!(h->repeated >> id & 1))
		return NULL;
	while (++f < h->fields + h->nfields)
		if (f->id == id)
			return f;
	return NULL;
}

bool
head_has_token(const struct head *h, enum field_id id, struct str token)
{
	const struct field *f = head_find(h, id);
	struct str rest, element;

	for (; f; f = head_next(h, f)) {
		rest = f->value;
		while (list_next(&rest, &element))
			if (str_ieq(element, token))
				return true;
	}
	return false;
}

bool
head_is_hop_by_hop(const struct head *h, const struct field *f)
{
	switch (f->id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE: return true;
	case FIELD_OTHER: return head_has_token(h, FIELD_CONNECTION, f->name);
	default: return false;
	}
}

bool
head_keep_alive(const struct head *h)
{
	if (head_has_token(h, FIELD_CONNECTION, STR("close")))
		return false;
	return h->minor > 0 ||
		head_has_token(h, FIELD_CONNECTION, STR("keep-alive"));
}

bool
head_expects_continue(const struct head *h)
{
	return h->minor > 0 &&
		head_has_token(h, FIELD_EXPECT, STR("100-continue"));
}
