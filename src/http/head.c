/*
 * Parsing goes in three steps: the first line, as soon as it is there; a scan
 * for the empty line, which keeps where each field line is; and when that is
 * found, the fields. Until then each call repeats the first two, over at most
 * HEAD_MAX_BYTES and mostly within memchr().
 */
#include "http/head.h"

#include "base/check.h"
#include "http/char.h"
#include "http/uri.h"

/* Field names: a hash table, chained by index, filled before main(). */
static const struct str field_names[FIELD_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
#include "http/fields.def"
#undef FIELD
};
static unsigned char field_first[64];
static unsigned char field_next[FIELD_COUNT];
static_assert(FIELD_COUNT <= 256, "indices are bytes");

static size_t
field_slot(struct str name)
{
	unsigned char a = (unsigned char)char_lower(name.p[0]);
	unsigned char z = (unsigned char)char_lower(name.p[name.n - 1]);

	return (name.n * 5 + (size_t)a * 3 + z) % sizeof(field_first);
}

static __attribute__((constructor)) void
field_table(void)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		unsigned char *first =
			&field_first[field_slot(field_names[id])];

		field_next[id] = *first;
		*first = (unsigned char)id;
	}
}

enum field_id
field_id_of(struct str name)
{
	unsigned char id = name.n ? field_first[field_slot(name)] : 0;

	while (id && !str_ieq(field_names[id], name))
		id = field_next[id];
	return (enum field_id)id;
}

static enum head_result
fail(struct head *h, enum head_result result, const char *error)
{
	h->error = error;
	return result;
}

/* The line at the start of in, without its CRLF. A byte that no line may hold
 * is refused before the line is complete. */
static enum head_result
first_line(struct str in, struct head *h, struct str *line)
{
	size_t most = in.n < HEAD_MAX_LINE + 2 ? in.n : HEAD_MAX_LINE + 2;
	const char *lf = memchr(in.p, '\n', most);
	size_t n = lf ? (size_t)(lf - in.p) : most;
	size_t text = char_span(str_of(in.p, n), CHAR_TEXT);
	bool cr = text < n && in.p[text] == '\r' && text + 1 == n;

	if (text < n && !cr)
		return fail(h, HEAD_BAD, "control byte in the first line");
	if (lf && !cr)
		return fail(h, HEAD_BAD, "bare LF ends the first line");
	if (!lf && most == HEAD_MAX_LINE + 2)
		return fail(h, HEAD_LINE_TOO_LONG, "first line too long");
	if (!lf)
		return HEAD_MORE;
	*line = str_of(in.p, text);
	return HEAD_DONE;
}

static enum head_result
parse_version(struct str s, struct head *h)
{
	if (s.n != 8 || !str_starts(s, STR("HTTP/")) ||
		!char_is_digit(s.p[5]) || s.p[6] != '.' ||
		!char_is_digit(s.p[7]))
		return fail(h, HEAD_BAD, "no HTTP version");
	if (s.p[5] != '1' || s.p[7] > '1')
		return fail(h, HEAD_VERSION, "HTTP version not supported");
	h->minor = (unsigned)(s.p[7] - '0');
	return HEAD_DONE;
}

static enum method
method_of(struct str s)
{
	static const char *const names[] = {
		[METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS",
		[METHOD_CONNECT] = "CONNECT",
		[METHOD_TRACE] = "TRACE",
		[METHOD_PATCH] = "PATCH",
	};

	for (unsigned m = 1; m < sizeof(names) / sizeof(names[0]); m++)
		if (str_eq(s, str_z(names[m])))
			return (enum method)m;
	return METHOD_OTHER;
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
	struct str version;

	if (!str_split(&line, ' ', &h->method_str) ||
		!char_all(h->method_str, CHAR_TOKEN))
		return fail(h, HEAD_BAD, "no method");
	if (!str_split(&line, ' ', &h->target) ||
		!char_all(h->target, CHAR_VISIBLE))
		return fail(h, HEAD_BAD, "bad request target");
	if (!str_split(&line, ' ', &version) || line.p)
		return fail(h, HEAD_BAD, "request line is not of three parts");
	h->method = method_of(h->method_str);
	return parse_version(version, h);
}

static enum head_result
status_line(struct str line, struct head *h)
{
	enum head_result result =
		parse_version(str_of(line.p, line.n < 8 ? line.n : 8), h);
	uint64_t status;

	if (result != HEAD_DONE)
		return result;
	/* Some servers leave out the space before an empty reason. */
	if (line.n < 12 || line.p[8] != ' ' ||
		(line.n > 12 && line.p[12] != ' ') ||
		str_u64(str_of(line.p + 9, 3), 599, &status) || status < 100)
		return fail(h, HEAD_BAD, "no status code from 100 to 599");
	h->status = (unsigned)status;
	h->reason = str_of(line.p + line.n, 0);
	if (line.n > 13)
		h->reason = str_of(line.p + 13, line.n - 13);
	return HEAD_DONE;
}

struct limits {
	size_t bytes;
	unsigned fields;
};

static const struct limits limits = {HEAD_MAX_BYTES, HEAD_MAX_FIELDS};
static const struct limits own_limits = {
	HEAD_MAX_BYTES + HEAD_ADDED_BYTES, HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS};

/* Puts each line from `at` to the empty one into the value of a field. */
static enum head_result
scan_fields(
	struct str in, size_t at, const struct limits *limit, struct head *h)
{
	size_t most = in.n < limit->bytes ? in.n : limit->bytes;

	for (;;) {
		const char *line = in.p + at;
		const char *lf =
			at < most ? memchr(line, '\n', most - at) : NULL;

		if (!lf && most < limit->bytes)
			return HEAD_MORE;
		if (!lf)
			return fail(h, HEAD_TOO_LARGE, "head too large");
		if (lf[-1] != '\r')
			return fail(h, HEAD_BAD, "bare LF");
		at = (size_t)(lf + 1 - in.p);
		if (lf - line == 1)
			break;
		if (h->nfields == limit->fields)
			return fail(h, HEAD_TOO_LARGE, "too many fields");
		h->fields[h->nfields++].value =
			str_of(line, (size_t)(lf - line) - 1);
	}
	h->bytes = at;
	return HEAD_DONE;
}

/* f->value is the whole line. */
static enum head_result
parse_field(struct field *f, struct head *h)
{
	struct str line = f->value;
	size_t n = char_span(line, CHAR_TOKEN);

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return fail(h, HEAD_BAD, "folded field line");
	if (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		return fail(h, HEAD_BAD, "blank in or after a field name");
	if (n == 0 || n == line.n || line.p[n] != ':')
		return fail(h, HEAD_BAD, "field line without a name");
	f->name = str_of(line.p, n);
	f->value = str_trim(str_of(line.p + n + 1, line.n - n - 1));
	f->id = field_id_of(f->name);
	if (char_span(f->value, CHAR_TEXT) != f->value.n)
		return fail(h, HEAD_BAD, "control byte in a field value");
	return HEAD_DONE;
}

static enum head_result
parse(struct str in, size_t start, const struct limits *limit, struct head *h,
	enum head_result (*parse_line)(struct str, struct head *))
{
	enum head_result result;
	struct str line;

	if (in.n == start)
		return HEAD_MORE;
	result = first_line(str_of(in.p + start, in.n - start), h, &line);
	if (result == HEAD_DONE)
		result = parse_line(line, h);
	if (result == HEAD_DONE)
		result = scan_fields(in, start + line.n + 2, limit, h);
	for (unsigned i = 0; result == HEAD_DONE && i < h->nfields; i++)
		result = parse_field(&h->fields[i], h);
	return result;
}

/* RFC 9112, 3.2. */
static enum head_result
check_host(struct head *h)
{
	unsigned hosts = 0;
	struct str host;
	uint16_t port;

	for (unsigned i = 0; i < h->nfields; i++) {
		if (h->fields[i].id != FIELD_HOST)
			continue;
		if (uri_parse_authority(h->fields[i].value, &host, &port))
			return fail(h, HEAD_BAD, "bad Host");
		hosts++;
	}
	if (hosts > 1)
		return fail(h, HEAD_BAD, "more than one Host");
	if (hosts == 0 && h->minor > 0)
		return fail(h, HEAD_BAD, "no Host");
	return HEAD_DONE;
}

/* Clears all but the fields, which are 4 KB and counted. */
static void
head_clear(struct head *h)
{
	memset(h, 0, offsetof(struct head, fields));
}

static enum head_result
parse_request(struct str in, const struct limits *limit, struct head *h)
{
	enum head_result result;
	size_t start = 0;

	head_clear(h);
	while (start <= 2 && in.n - start >= 2 &&
		memcmp(in.p + start, "\r\n", 2) == 0)
		start += 2;
	result = parse(in, start, limit, h, request_line);
	return result == HEAD_DONE ? check_host(h) : result;
}

static enum head_result
parse_response(struct str in, const struct limits *limit, struct head *h)
{
	head_clear(h);
	return parse(in, 0, limit, h, status_line);
}

enum head_result
head_parse_request(struct str in, struct head *h)
{
	return parse_request(in, &limits, h);
}

enum head_result
head_parse_response(struct str in, struct head *h)
{
	return parse_response(in, &limits, h);
}

enum head_result
head_parse_own_request(struct str in, struct head *h)
{
	return parse_request(in, &own_limits, h);
}

enum head_result
head_parse_own_response(struct str in, struct head *h)
{
	return parse_response(in, &own_limits, h);
}

const struct field *
head_find(const struct head *h, enum field_id id)
{
	for (unsigned i = 0; i < h->nfields; i++)
		if (h->fields[i].id == id)
			return &h->fields[i];
	return NULL;
}

bool
head_has_token(const struct head *h, enum field_id id, struct str token)
{
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str rest = h->fields[i].value, element;

		if (h->fields[i].id != id)
			continue;
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
list_next(struct str *rest, struct str *element)
{
	while (rest->n) {
		bool quoted = false;
		size_t n = 0;

		for (; n < rest->n; n++) {
			char c = rest->p[n];

			if (quoted && c == '\\' && n + 1 < rest->n)
				n++;
			else if (c == '"')
				quoted = !quoted;
			else if (c == ',' && !quoted)
				break;
		}
		*element = str_trim(str_of(rest->p, n));
		n += n < rest->n; /* the comma */
		rest->p += n;
		rest->n -= n;
		if (element->n)
			return true;
	}
	return false;
}
