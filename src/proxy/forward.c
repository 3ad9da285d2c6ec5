#include "proxy/forward.h"

#include <arpa/inet.h>

#include "http/cachectl.h"
#include "http/date.h"
#include "http/fields.h"

static bool
is_partial_or_conditional(enum field_id id)
{
	return id == FIELD_RANGE || id == FIELD_IF_RANGE ||
		id == FIELD_IF_MATCH || id == FIELD_IF_NONE_MATCH ||
		id == FIELD_IF_MODIFIED_SINCE ||
		id == FIELD_IF_UNMODIFIED_SINCE;
}

static bool
passes(const struct head *h, const struct field *f, enum forward_to to)
{
	if (head_is_hop_by_hop(h, f))
		return false;
	switch (f->id) {
	case FIELD_HOST:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_EXPECT:
	case FIELD_PROXY_AUTHORIZATION:
	case FIELD_X_FORWARDED_FOR: return false; /* written anew, or ended */
	case FIELD_X_FORWARDED_HOST: return to != TO_ORIGIN_FOR_CACHE;
	case FIELD_TRAILER: return false; /* trailers are not passed on */
	default:
		return to != TO_ORIGIN_FOR_CACHE ||
			!is_partial_or_conditional(f->id);
	}
}

static void
put_addr(struct in_addr addr, struct buf *out)
{
	const unsigned char *b = (const unsigned char *)&addr.s_addr;

	for (int i = 0; i < 4; i++) {
		if (i)
			buf_str(out, STR("."));
		buf_u64(out, b[i]);
	}
}

/* The addresses that the request came through, the client's last. */
static void
forwarded_for(const struct exchange *x, struct buf *out)
{
	const struct field *f = head_find(&x->head, FIELD_X_FORWARDED_FOR);

	if (!f && x->from_peer)
		return;
	buf_str(out, STR("X-Forwarded-For: "));
	for (unsigned i = 0, n = 0; i < x->head.nfields; i++)
		if (x->head.fields[i].id == FIELD_X_FORWARDED_FOR) {
			if (n++)
				buf_str(out, STR(", "));
			buf_str(out, x->head.fields[i].value);
		}
	if (!x->from_peer) {
		if (f)
			buf_str(out, STR(", "));
		put_addr(x->client, out);
	}
	buf_str(out, STR("\r\n"));
}

/* What the client called us, for those that it did not pass by way of somebody
 * who said so. An answer for all is asked for by the name that all share: by
 * another one, anybody could have links to his own host stored. */
static void
forwarded_from(const struct exchange *x, bool for_cache, struct buf *out)
{
	if (!head_find(&x->head, FIELD_X_FORWARDED_PROTO))
		buf_str(out, STR("X-Forwarded-Proto: http\r\n"));
	if (for_cache || !head_find(&x->head, FIELD_X_FORWARDED_HOST))
		fields_put(STR("X-Forwarded-Host"),
			for_cache ? x->route.key_host : x->route.host, out);
}

void
forward_request(const struct exchange *x, enum forward_to to, struct buf *out)
{
	const struct node *n = x->worker->node;
	const struct head *h = &x->head;
	bool for_cache = to == TO_ORIGIN_FOR_CACHE;

	buf_str(out, for_cache ? STR("GET") : h->method_str);
	buf_str(out, STR(" "));
	buf_str(out,
		for_cache		? x->route.key_target
			: to == TO_PEER ? h->target
					: x->route.target);
	buf_str(out, STR(" HTTP/1.1\r\n"));
	fields_put(STR("Host"), for_cache ? x->route.key_host : x->route.host,
		out);
	for (unsigned i = 0; i < h->nfields; i++)
		if (passes(h, &h->fields[i], to))
			fields_put(h->fields[i].name, h->fields[i].value, out);
	forwarded_for(x, out);
	if (to == TO_PEER)
		return;
	forwarded_from(x, for_cache, out);
	buf_printf(out, "Via: 1.%u %s\r\nCDN-Loop: %s\r\n", h->minor,
		n->config->peers[n->config->self].name, n->cdn_id);
}

static bool
belongs(const struct head *h, const struct field *f, enum forward_part part)
{
	if (head_is_hop_by_hop(h, f) || f->id == FIELD_CONTENT_LENGTH ||
		f->id == FIELD_TRAILER)
		return false;
	if (part == FORWARD_ALL)
		return true;
	return f->id != FIELD_AGE &&
		cachectl_withholds(h, f) == (part == FORWARD_WITHHELD);
}

void
forward_fields(const struct head *h, enum forward_part part, struct buf *out)
{
	char date[DATE_SIZE];

	for (unsigned i = 0; i < h->nfields; i++)
		if (belongs(h, &h->fields[i], part))
			fields_put(h->fields[i].name, h->fields[i].value, out);
	if (part == FORWARD_WITHHELD || head_find(h, FIELD_DATE))
		return;
	/* RFC 9110, 6.6.1: who receives a response without a date dates it. */
	fields_put(STR("Date"), str_of(date, date_format(date, clock_wall_s())),
		out);
}
