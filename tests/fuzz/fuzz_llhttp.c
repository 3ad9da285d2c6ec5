/*
 * Whole messages, one behind the other, as ours and as llhttp read them: an
 * independent parser, in its strict mode. Held to: what we take for a message,
 * llhttp takes for one, too, and both see the same first line, fields, framing
 * and body, and the same end. That we refuse more is fine; what llhttp alone
 * refuses is in the table of excuses. Each input is read as requests, and as
 * responses to several methods; at once, and in pieces.
 */
#include <stdio.h>
#include <stdlib.h>

#include <llhttp.h>

#include "base/buf.h"
#include "base/check.h"
#include "http/char.h"
#include "http/chunk.h"
#include "http/frame.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one parser made of one message. */
struct reading {
	struct buf text; /* first line, fields, framing; in a form of ours */
	struct buf body; /* as far as it has come */
	bool head;	 /* the head is complete, and good */
	bool refused;
	bool whole;
	bool keep; /* by its head, another message may follow */
	size_t bytes;
};

/* How the input arrives: in pieces of 1 to most bytes, or at once if 0. */
struct cuts {
	unsigned seed;
	size_t most;
};

static void
reading_fini(struct reading *r)
{
	buf_fini(&r->text);
	buf_fini(&r->body);
}

/* Where the piece after `at` ends. */
static size_t
cut(struct cuts *c, size_t at, size_t n)
{
	size_t piece = c->most ? 1 + (size_t)rand_r(&c->seed) % c->most : n;

	return piece < n - at ? at + piece : n;
}

/* The last line of a reading's text. */
static void
put_frame(unsigned minor, unsigned status, enum frame_kind kind,
	uint64_t length, struct buf *b)
{
	buf_printf(b, "HTTP/1.%u, status %u, framing %d of %llu bytes", minor,
		status, (int)kind, (unsigned long long)length);
}

/* --- ours -------------------------------------------------------------------
 */

/* What every caller of the parser does with a target. */
static bool
target_fits(const struct head *h)
{
	struct uri u;

	return uri_parse_target(h->target, &u) == 0 &&
		(u.form == URI_AUTHORITY) == (h->method == METHOD_CONNECT) &&
		(u.form != URI_ASTERISK || h->method == METHOD_OPTIONS);
}

static bool
frame_head(
	const struct head *h, bool request, enum method asked, struct frame *f)
{
	const char *why;

	if (request)
		return target_fits(h) &&
			frame_of_request(h, f, &why) == FRAME_OK;
	return frame_of_response(h, asked, f, &why) == FRAME_OK;
}

static void
describe(const struct head *h, bool request, const struct frame *f,
	struct reading *r)
{
	if (request)
		buf_printf(&r->text, "%.*s %.*s\n", STR_ARG(h->method_str),
			STR_ARG(h->target));
	else
		buf_printf(&r->text, "%.*s\n", STR_ARG(h->reason));
	for (unsigned i = 0; i < h->nfields; i++) {
		buf_str(&r->text, h->fields[i].name);
		buf_z(&r->text, ":");
		buf_str(&r->text, h->fields[i].value);
		buf_z(&r->text, "\n");
	}
	put_frame(h->minor, h->status, f->kind, f->length, &r->text);
}

/* Takes what it can of the bytes from r->bytes to end. */
static void
read_body(struct str in, size_t end, const struct frame *f,
	struct chunk_decoder *d, struct reading *r)
{
	struct str rest = str_of(in.p + r->bytes, end - r->bytes), data;
	uint64_t left = f->length - buf_len(&r->body);
	enum chunk_result result = CHUNK_MORE;

	if (f->kind == FRAME_CHUNKED) {
		while ((result = chunk_decode(d, &rest, &data)) == CHUNK_DATA)
			buf_str(&r->body, data);
		r->refused = result == CHUNK_BAD;
		r->whole = result == CHUNK_END;
		r->bytes = (size_t)(rest.p - in.p);
		return;
	}
	if (f->kind == FRAME_CLOSE || left > rest.n)
		left = rest.n;
	if (f->kind != FRAME_NONE) {
		buf_append(&r->body, rest.p, (size_t)left);
		r->bytes += (size_t)left;
	}
	r->whole = f->kind == FRAME_CLOSE ? r->bytes == in.n
					  : f->length == buf_len(&r->body);
}

static void
read_ours(struct str in, bool request, enum method asked, struct cuts c,
	struct head *h, struct reading *r)
{
	enum head_result result = HEAD_MORE;
	struct chunk_decoder d = {0};
	struct frame f;
	size_t end = 0;

	while (result == HEAD_MORE && end < in.n) {
		struct str seen = str_of(in.p, end = cut(&c, end, in.n));

		result = request ? head_parse_request(seen, h)
				 : head_parse_response(seen, h);
	}
	r->head = result == HEAD_DONE && frame_head(h, request, asked, &f);
	r->refused = !r->head && result != HEAD_MORE;
	if (!r->head)
		return;
	describe(h, request, &f, r);
	r->bytes = h->bytes;
	r->keep = head_keep_alive(h) && f.kind != FRAME_CLOSE;
	read_body(in, end, &f, &d, r);
	while (!r->whole && !r->refused && end < in.n) {
		end = cut(&c, end, in.n);
		read_body(in, end, &f, &d, r);
	}
}

/* --- theirs -----------------------------------------------------------------
 */

struct theirs {
	llhttp_t parser; /* first, so that callbacks find the rest */
	enum method asked;
	struct buf value; /* of the field that is being read */
	struct reading *r;
};

static struct theirs *
theirs_of(llhttp_t *p)
{
	return (struct theirs *)p;
}

static int
on_text(llhttp_t *p, const char *at, size_t n)
{
	if (!(p->flags & F_TRAILING))
		buf_append(&theirs_of(p)->r->text, at, n);
	return 0;
}

static int
on_method_end(llhttp_t *p)
{
	return on_text(p, " ", 1);
}

static int
on_line_end(llhttp_t *p)
{
	return on_text(p, "\n", 1);
}

static int
on_name_end(llhttp_t *p)
{
	return on_text(p, ":", 1);
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
	buf_append(&theirs_of(p)->value, at, n);
	return 0;
}

static int
on_value_end(llhttp_t *p)
{
	struct buf *value = &theirs_of(p)->value;
	struct str s = str_trim(buf_view(value));

	on_text(p, s.p, s.n);
	buf_consume(value, buf_len(value));
	return on_line_end(p);
}

/* llhttp leaves it to its callers which responses have no body. */
static bool
bodiless(const struct theirs *t)
{
	unsigned status = t->parser.status_code;

	if (t->parser.type == HTTP_REQUEST)
		return t->parser.method == HTTP_CONNECT;
	return t->asked == METHOD_HEAD || status < 200 || status == 204 ||
		status == 304 || (t->asked == METHOD_CONNECT && status < 300);
}

static enum frame_kind
kind_of(const struct theirs *t)
{
	if (bodiless(t))
		return FRAME_NONE;
	if (t->parser.flags & F_CHUNKED)
		return FRAME_CHUNKED;
	if (llhttp_message_needs_eof(&t->parser))
		return FRAME_CLOSE;
	return t->parser.flags & F_CONTENT_LENGTH ? FRAME_LENGTH : FRAME_NONE;
}

static int
on_head_end(llhttp_t *p)
{
	struct theirs *t = theirs_of(p);
	enum frame_kind kind = kind_of(t);

	put_frame(p->http_minor, p->status_code, kind,
		kind == FRAME_LENGTH ? p->content_length : 0, &t->r->text);
	t->r->head = true;
	t->r->keep = p->http_minor ? !(p->flags & F_CONNECTION_CLOSE)
				   : p->flags & F_CONNECTION_KEEP_ALIVE;
	return p->type == HTTP_RESPONSE && bodiless(t);
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
	buf_append(&theirs_of(p)->r->body, at, n);
	return 0;
}

static int
on_end(llhttp_t *p)
{
	theirs_of(p)->r->whole = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_method = on_text,
	.on_method_complete = on_method_end,
	.on_url = on_text,
	.on_url_complete = on_line_end,
	.on_status = on_text,
	.on_status_complete = on_line_end,
	.on_header_field = on_text,
	.on_header_field_complete = on_name_end,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_end,
	.on_headers_complete = on_head_end,
	.on_body = on_body,
	.on_message_complete = on_end,
};

static void
read_theirs(struct str in, bool request, struct cuts c, struct theirs *t)
{
	llhttp_errno_t error = HPE_OK;
	size_t at = 0, end;

	llhttp_init(
		&t->parser, request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	for (; error == HPE_OK && at < in.n; at = end) {
		end = cut(&c, at, in.n);
		error = llhttp_execute(&t->parser, in.p + at, end - at);
	}
	t->r->bytes = in.n;
	if (error != HPE_OK)
		t->r->bytes = (size_t)(llhttp_get_error_pos(&t->parser) - in.p);
	else
		(void)llhttp_finish(&t->parser);
	t->r->refused = error != HPE_OK && !t->r->whole;
	buf_fini(&t->value);
}

/* --- both -------------------------------------------------------------------
 */

enum difference {
	SAME,
	THEY_REFUSE,
	END_OF_HEAD, /* we want more, they do not */
	HEAD,	     /* first line, fields or framing */
	BODY,
	END,
	KEEP, /* we expect another message, they do not */
};

/* As for messages that we refuse: only the part before that is held to. */
static enum difference
difference(const struct reading *ours, const struct reading *theirs)
{
	if (!ours->head)
		return !ours->refused && theirs->head ? END_OF_HEAD : SAME;
	if (theirs->refused && (!ours->refused || !theirs->head))
		return THEY_REFUSE;
	if (!str_eq(buf_view(&ours->text), buf_view(&theirs->text)))
		return HEAD;
	if (ours->refused)
		return SAME;
	if (!str_eq(buf_view(&ours->body), buf_view(&theirs->body)))
		return BODY;
	if (ours->whole != theirs->whole ||
		(ours->whole && ours->bytes != theirs->bytes))
		return END;
	return ours->whole && ours->keep && !theirs->keep ? KEEP : SAME;
}

/* --- excuses ----------------------------------------------------------------
 */

static bool
odd_method(struct str in, const struct head *h, const struct theirs *t)
{
	return h->method == METHOD_OTHER && !t->r->head;
}

static bool
repeated_length(struct str in, const struct head *h, const struct theirs *t)
{
	const struct field *f = head_find(h, FIELD_CONTENT_LENGTH);

	return f && !t->r->head &&
		(head_next(h, f) || memchr(f->value.p, ',', f->value.n));
}

/* The byte that it refuses is behind a chunk's size and a blank or ';'. */
static bool
in_extension(struct str in, const struct head *h, const struct theirs *t)
{
	size_t at = t->r->bytes, line = at;

	while (line > h->bytes && in.p[line - 1] != '\n')
		line--;
	while (line < at && char_hex(in.p[line]) >= 0)
		line++;
	return t->r->head && line < in.n && memchr("; \t", in.p[line], 3);
}

static bool
in_trailers(struct str in, const struct head *h, const struct theirs *t)
{
	return t->r->head && t->parser.flags & F_TRAILING;
}

static bool
proxy_connection(struct str in, const struct head *h, const struct theirs *t)
{
	return head_find(h, FIELD_PROXY_CONNECTION);
}

/* The differences that are known, and harm nobody. */
static const struct excuse {
	const char *why;
	enum difference difference;
	llhttp_errno_t error; /* of llhttp */
	bool (*fits)(struct str, const struct head *, const struct theirs *);
} excuses[] = {
	{"it has a list of methods", THEY_REFUSE, HPE_INVALID_METHOD,
		odd_method},
	{"some methods are RTSP's to it", THEY_REFUSE, HPE_INVALID_CONSTANT,
		odd_method},
	{"PRI is HTTP/2's to it", THEY_REFUSE, HPE_INVALID_VERSION, odd_method},
	{"PRI is HTTP/2's to it", THEY_REFUSE, HPE_PAUSED_H2_UPGRADE,
		odd_method},
	{"we take a length said twice (RFC 9110, 8.6)", THEY_REFUSE,
		HPE_UNEXPECTED_CONTENT_LENGTH, repeated_length},
	{"we take a length said twice (RFC 9110, 8.6)", THEY_REFUSE,
		HPE_INVALID_CONTENT_LENGTH, repeated_length},
	{"we pass over any text there, and blanks (RFC 9112, 7.1.1)",
		THEY_REFUSE, HPE_STRICT, in_extension},
	{"we pass over any text there, and blanks (RFC 9112, 7.1.1)",
		THEY_REFUSE, HPE_INVALID_CHUNK_SIZE, in_extension},
	{"we ignore what trailers say (RFC 9110, 6.5.1)", THEY_REFUSE,
		HPE_INVALID_CONTENT_LENGTH, in_trailers},
	{"we ignore what trailers say (RFC 9110, 6.5.1)", THEY_REFUSE,
		HPE_UNEXPECTED_CONTENT_LENGTH, in_trailers},
	{"we ignore what trailers say (RFC 9110, 6.5.1)", THEY_REFUSE,
		HPE_INVALID_TRANSFER_ENCODING, in_trailers},
	{"it takes Proxy-Connection for Connection (RFC 9112, C.2.2)", KEEP,
		HPE_PAUSED, proxy_connection},
};

static bool
excused(enum difference d, struct str in, const struct head *h,
	const struct theirs *t)
{
	for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++)
		if (d == excuses[i].difference &&
			llhttp_get_errno(&t->parser) == excuses[i].error &&
			excuses[i].fits(in, h, t))
			return true;
	return false;
}

static void
show(const char *who, const struct reading *r)
{
	fprintf(stderr, "--- %s: %s%s%s%s%zu bytes\n%.*s\n--- body:\n%.*s\n",
		who, r->head ? "head, " : "", r->refused ? "refused, " : "",
		r->whole ? "whole, " : "", r->keep ? "keep, " : "", r->bytes,
		STR_ARG(buf_view(&r->text)), STR_ARG(buf_view(&r->body)));
}

/* The bytes of a message that both take, or 0. */
static size_t
compare(struct str in, bool request, enum method asked, struct cuts c)
{
	struct reading ours = {0}, theirs = {0};
	struct theirs t = {.asked = asked, .r = &theirs};
	struct head h = {0};
	enum difference d;
	size_t n;

	read_ours(in, request, asked, c, &h, &ours);
	read_theirs(in, request, c, &t);
	d = difference(&ours, &theirs);
	if (d != SAME && !excused(d, in, &h, &t)) {
		show("ours", &ours);
		show("llhttp", &theirs);
		fprintf(stderr, "--- %s\n", t.parser.reason);
		CHECK(d == SAME);
	}
	n = ours.whole && theirs.whole ? ours.bytes : 0;
	reading_fini(&ours);
	reading_fini(&theirs);
	return n;
}

static void
compare_all(struct str in, bool request, enum method asked, struct cuts c)
{
	size_t n;

	while (in.n && (n = compare(in, request, asked, c)))
		in = str_of(in.p + n, in.n - n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	unsigned seed = (unsigned)size;
	const struct cuts cuts[] = {{0}, {seed, seed % 2 ? 3 : 50}};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		compare_all(in, true, METHOD_OTHER, cuts[i]);
		compare_all(in, false, METHOD_GET, cuts[i]);
		compare_all(in, false, seed % 3 ? METHOD_HEAD : METHOD_CONNECT,
			cuts[i]);
	}
	return 0;
}
