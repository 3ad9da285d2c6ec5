#include "proxy/answer.h"

#include "base/clock.h"
#include "http/date.h"
#include "proxy/shape.h"
#include "proxy/membership.h"

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{102, "Processing"},
	{103, "Early Hints"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{203, "Non-Authoritative Information"},
	{204, "No Content"},
	{205, "Reset Content"},
	{206, "Partial Content"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{508, "Loop Detected"},
};

static const char *
reason_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

static void
status_line(struct buf *out, unsigned status)
{
	if (status == 200) {
		buf_str(out, STR("HTTP/1.1 200 OK\r\n"));
		return;
	}
	buf_printf(out, "HTTP/1.1 %u %s\r\n", status, reason_of(status));
}

static void
number_field(struct buf *out, struct str name, uint64_t v)
{
	buf_str(out, name);
	buf_u64(out, v);
	buf_str(out, STR("\r\n"));
}

static int64_t
age_s(const struct exchange *x, const struct response *r)
{
	return loop_wall_s(x->worker->loop) - r->born_s;
}

/* What has been purged softly is not fresh any more, however old it is. */
static int64_t
ttl_s(const struct exchange *x, const struct response *r)
{
	int64_t ttl = r->fresh.lifetime_s - age_s(x, r);

	return ttl > 0 && x->object && atomic_load(&x->object->outdated) ? 0
									 : ttl;
}

static const char *
why_forwarded(const struct exchange *x)
{
	switch (x->why) {
	case WHY_URI_MISS: return "; fwd=uri-miss";
	case WHY_VARY_MISS: return "; fwd=vary-miss";
	case WHY_STALE: return "; fwd=stale";
	case WHY_REQUEST: return "; fwd=request";
	case WHY_PARTIAL: return "; fwd=partial";
	case WHY_BYPASS: return "; fwd=bypass";
	}
	return "";
}

static void
forwarded(const struct exchange *x, const struct response *r, struct buf *out)
{
	buf_z(out, why_forwarded(x));
	if (x->instead_of)
		buf_printf(out, "; fwd-status=%u", x->instead_of);
	else if (!x->object && !r->why_not && x->from == FROM_MISS)
		buf_z(out, "; stored");
	if (x->from == FROM_JOIN)
		buf_z(out, "; collapsed");
}

static bool
is_read(const struct exchange *x)
{
	return x->head.method == METHOD_GET || x->head.method == METHOD_HEAD;
}

/* RFC 9211. */
static void
via_and_cache_status(const struct exchange *x, struct buf *out)
{
	const struct response *r = exchange_response(x);

	buf_str(out, x->worker->node->cache_status);
	switch (x->from) {
	case FROM_US: break;
	case FROM_HIT: buf_str(out, STR("; hit")); break;
	case FROM_JOIN:
	case FROM_MISS: forwarded(x, r, out); break;
	case FROM_PEER:
		buf_str(out, STR("; fwd=bypass; detail=\"owner "));
		buf_z(out, membership_name(x->worker->node, x->owner));
		buf_str(out, STR("\"\r\n"));
		return;
	case FROM_PASS:
		buf_z(out,
			!is_read(x)			  ? "; fwd=method"
				: x->upload || x->upgrade ? "; fwd=request"
							  : why_forwarded(x));
		break;
	}
	if (r->why_not) {
		buf_printf(out, "; detail=\"%s\"\r\n", r->why_not);
		return;
	}
	buf_str(out, STR("; ttl="));
	buf_i64(out, ttl_s(x, r));
	buf_str(out, STR("\r\n"));
}

static void
common(const struct exchange *x, const struct shape *s, struct buf *out)
{
	const struct response *r = exchange_response(x);
	int64_t age = age_s(x, r);

	shape_put_fields(s, r->fields, out);
	if (x->from == FROM_MISS)
		shape_put_fields(s, r->withheld, out);
	buf_str(out, s->added);
	rendition_put_vary(x, out);
	/* What is not stored carries the age that it came with. */
	if (!r->why_not)
		number_field(out, STR("Age: "), age > 0 ? (uint64_t)age : 0);
	/* What a peer stores is not to tell how he came by it. */
	if (x->fill == FILL_ANSWERS)
		return;
	via_and_cache_status(x, out);
}

/* A body whose length is known only now, since it has ended, may have
 * trailers. */
static struct answer
framing_of(const struct exchange *x, const struct shape *s)
{
	if (s->status == 204 || s->status == 304)
		return (struct answer){ANSWER_NO_BODY, 0, s->status};
	if (s->length < 0)
		return (struct answer){ANSWER_CHUNKED, 0, s->status};
	if (x->flight && exchange_response(x)->length < 0 &&
		s->status == exchange_response(x)->status &&
		exchange_trailers(x).n)
		return (struct answer){ANSWER_CHUNKED, 0, s->status};
	return (struct answer){ANSWER_LENGTH, (uint64_t)s->length, s->status};
}

/* HEAD is answered with the fields of a GET, and nothing behind them. */
static struct answer
without_body(const struct exchange *x, struct answer a)
{
	if (x->head.method == METHOD_HEAD)
		a.framing = ANSWER_NO_BODY;
	return a;
}

struct answer
answer_to_client(struct exchange *x, bool keep_alive, struct buf *out)
{
	struct shape s;
	struct answer a;

	shape_answer(x, &s);
	a = framing_of(x, &s);
	status_line(out, s.status);
	common(x, &s, out);
	if (a.framing == ANSWER_CHUNKED && x->head.minor == 0)
		a.framing = ANSWER_CLOSE;
	if (a.framing == ANSWER_LENGTH)
		number_field(out, STR("Content-Length: "), a.length);
	if (a.framing == ANSWER_CHUNKED)
		buf_str(out, STR("Transfer-Encoding: chunked\r\n"));
	if (!keep_alive ||
		(a.framing == ANSWER_CLOSE && x->head.method != METHOD_HEAD))
		buf_str(out, STR("Connection: close\r\n"));
	else if (x->head.minor == 0)
		buf_str(out, STR("Connection: keep-alive\r\n"));
	buf_str(out, STR("\r\n"));
	return without_body(x, a);
}

struct answer
answer_to_peer(struct exchange *x, struct buf *out)
{
	struct shape s;
	struct answer a;

	shape_answer(x, &s);
	a = framing_of(x, &s);
	common(x, &s, out);
	return a;
}

/* What a proxy has to say of methods: origins may allow less. */
static const char allow[] =
	"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";

void
answer_tunnel(const struct exchange *x, struct buf *out)
{
	const struct response *r = exchange_response(x);

	status_line(out, r->status);
	buf_str(out, r->fields);
	buf_str(out, x->worker->node->via);
	buf_str(out,
		r->status == 101 ? STR("Connection: upgrade\r\n\r\n")
				 : STR("\r\n"));
}

void
answer_interim(
	struct str via, unsigned status, struct str fields, struct buf *out)
{
	status_line(out, status);
	buf_str(out, fields);
	buf_str(out, via);
	buf_str(out, STR("\r\n"));
}

void
answer_options(const char *node, bool keep_alive, struct buf *out)
{
	char date[DATE_SIZE];

	date_format(date, clock_wall_s());
	status_line(out, 200);
	buf_printf(out,
		"Date: %s\r\nVia: 1.1 %s\r\n%sContent-Length: 0\r\n%s\r\n",
		date, node, allow, keep_alive ? "" : "Connection: close\r\n");
}

void
answer_error(const char *node, bool is_head, unsigned status, const char *why,
	bool keep_alive, struct buf *out)
{
	char date[DATE_SIZE];

	date_format(date, clock_wall_s());
	status_line(out, status);
	buf_printf(out,
		"Date: %s\r\nVia: 1.1 %s\r\n"
		"Cache-Status: %s; detail=\"%s\"\r\n"
		"Cache-Control: no-store\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"%sContent-Length: %zu\r\n%s\r\n",
		date, node, node, why, status == 405 ? allow : "",
		strlen(why) + 1, keep_alive ? "" : "Connection: close\r\n");
	if (!is_head)
		buf_printf(out, "%s\n", why);
}
