#include "proxy/forward.h"

#include <inttypes.h>
#include <stdio.h>

#include "http/cachectl.h"
#include "http/date.h"
#include "http/fields.h"
#include "http/forwarded.h"
#include "http/trailers.h"
#include "http/upgrade.h"
#include "net/sock.h"
#include "proxy/answer.h"
#include "proxy/membership.h"

static bool
is_partial_or_conditional(enum field_id id)
{
	return id == FIELD_RANGE || id == FIELD_IF_RANGE ||
		id == FIELD_IF_MATCH || id == FIELD_IF_NONE_MATCH ||
		id == FIELD_IF_MODIFIED_SINCE ||
		id == FIELD_IF_UNMODIFIED_SINCE;
}

static bool
is_for_cache(enum forward_to to)
{
	return to != TO_ORIGIN && to != TO_PEER;
}

static bool
is_for_origin(enum forward_to to)
{
	return to == TO_ORIGIN || to == TO_ORIGIN_FOR_CACHE;
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
		return false; /* written anew, or ended */
	case FIELD_FORWARDED:
	case FIELD_X_FORWARDED_FOR: return !is_for_origin(to);
	case FIELD_X_FORWARDED_HOST:
	case FIELD_X_FORWARDED_PROTO: return !is_for_cache(to);
	case FIELD_CACHE_CONTROL: return to != TO_FILL_CACHED;
	case FIELD_TRAILER: return to == TO_ORIGIN;
	case FIELD_MAX_FORWARDS: return forwarded_hops_left(h) < 0;
	case FIELD_ACCEPT_ENCODING: return !is_for_cache(to) || !h->uncoded;
	default: return !is_for_cache(to) || !is_partial_or_conditional(f->id);
	}
}

/* Most fields came as we would write them, a line of the head. */
static void
put_field(const struct exchange *x, const struct field *f, struct buf *out)
{
	const char *name = f->name.p, *value = f->value.p;
	const char *value_end = value + f->value.n;

	if (name >= x->raw && value_end < x->raw + x->head.bytes &&
		value == name + f->name.n + 2 && value[-1] == ' ' &&
		*value_end == '\r')
		buf_append(out, name, (size_t)(value_end + 2 - name));
	else
		fields_put(f->name, f->value, out);
}

/* The addresses that the request came through, the client's last. */
static void
forwarded_for(const struct head *h, struct str client, struct buf *out)
{
	const struct field *f = head_find(h, FIELD_X_FORWARDED_FOR);

	buf_str(out, STR("X-Forwarded-For: "));
	for (; f; f = head_next(h, f)) {
		buf_str(out, f->value);
		buf_str(out, STR(", "));
	}
	buf_str(out, client);
	buf_str(out, STR("\r\n"));
}

/* The elements of Forwarded that came, as they came: a list in which a string
 * is left open would swallow ours. */
static void
forwarded_so_far(const struct head *h, struct buf *out)
{
	const struct field *f = head_find(h, FIELD_FORWARDED);

	for (; f; f = head_next(h, f))
		if (f->value.n && list_is_whole(f->value)) {
			buf_str(out, f->value);
			buf_str(out, STR(", "));
		}
}

/* RFC 7239. The client is ours, or that of the node which asks us. Who is asked
 * for all is not told the client's own story. */
static void
forwarded(const struct exchange *x, struct str client, enum forward_to to,
	struct buf *out)
{
	const struct node *n = x->worker->node;
	size_t asked = x->from_peer ? x->asked_by : n->config->self;
	char by[80];

	snprintf(by, sizeof(by), "_%s", membership_name(n, asked));
	buf_str(out, STR("Forwarded: "));
	if (!is_for_cache(to))
		forwarded_so_far(&x->head, out);
	forwarded_put(&(struct forwarded){.for_ = client,
			      .by = str_z(by),
			      .host = is_for_cache(to) ? x->route.key_host
						       : x->route.host,
			      .proto = is_for_cache(to) ? x->route.key_scheme
							: STR("http")},
		out);
	buf_str(out, STR("\r\n"));
}

/* What the client called us, for those that it did not pass by way of somebody
 * who said so. An answer for all is asked for as all know it: by another name,
 * anybody could have links to his own host stored. */
static void
forwarded_from(const struct exchange *x, bool for_cache, struct buf *out)
{
	if (for_cache || !head_find(&x->head, FIELD_X_FORWARDED_PROTO))
		fields_put(STR("X-Forwarded-Proto"), x->route.key_scheme, out);
	if (for_cache || !head_find(&x->head, FIELD_X_FORWARDED_HOST))
		fields_put(STR("X-Forwarded-Host"),
			for_cache ? x->route.key_host : x->route.host, out);
}

/* What is for the connection to the origin, of what passes the cache. */
static void
connection_fields(const struct exchange *x, struct buf *out)
{
	bool te = trailers_are_wanted(&x->head);

	if (te || x->upgrade)
		buf_printf(out, "Connection: %s%s%s\r\n", te ? "TE" : "",
			te && x->upgrade ? ", " : "",
			x->upgrade ? "upgrade" : "");
	if (te)
		buf_z(out, "TE: trailers\r\n");
	if (x->upgrade) {
		buf_z(out, "Upgrade: ");
		upgrade_put(&x->head, out);
		buf_z(out, "\r\n");
	}
}

static void
max_forwards(const struct exchange *x, struct buf *out)
{
	int left = forwarded_hops_left(&x->head);

	if (left > 0)
		buf_printf(out, "Max-Forwards: %d\r\n", left - 1);
}

static void
put_ours(const struct exchange *x, enum forward_to to, struct buf *out)
{
	const struct node *n = x->worker->node;
	struct sock_host_text client = sock_host_text(&x->client);

	forwarded_for(&x->head, str_z(client.z), out);
	forwarded(x, str_z(client.z), to, out);
	forwarded_from(x, is_for_cache(to), out);
	max_forwards(x, out);
	if (to == TO_ORIGIN)
		connection_fields(x, out);
	buf_printf(out, "Via: 1.%u %s\r\nCDN-Loop: %s\r\n", x->head.minor,
		n->config->peers[n->config->self].name, n->cdn_id);
}

static struct str
target_for(const struct exchange *x, enum forward_to to)
{
	switch (to) {
	case TO_ORIGIN: return x->route.target;
	case TO_ORIGIN_FOR_CACHE: return x->route.key_target;
	case TO_PEER: return x->head.target;
	case TO_FILL:
	case TO_FILL_CACHED: return x->route.key;
	}
	return (struct str){0};
}

void
forward_request(const struct exchange *x, enum forward_to to, struct buf *out)
{
	const struct head *h = &x->head;
	bool for_cache = is_for_cache(to);

	buf_str(out, for_cache ? STR("GET") : h->method_str);
	buf_str(out, STR(" "));
	buf_str(out, target_for(x, to));
	buf_str(out, STR(" HTTP/1.1\r\n"));
	fields_put(STR("Host"), for_cache ? x->route.key_host : x->route.host,
		out);
	for (unsigned i = 0; i < h->nfields; i++)
		if (passes(h, &h->fields[i], to))
			put_field(x, &h->fields[i], out);
	if (is_for_origin(to)) {
		put_ours(x, to, out);
		return;
	}
	if (to == TO_FILL_CACHED)
		buf_z(out, "Cache-Control: only-if-cached\r\n");
	if (to != TO_PEER && x->part)
		buf_printf(out, "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n",
			x->part->first, x->part->last);
}

enum part { ALL, KEPT, WITHHELD };

static bool
belongs(const struct head *h, const struct field *f, enum part part)
{
	if (head_is_hop_by_hop(h, f) || f->id == FIELD_CONTENT_LENGTH ||
		f->id == FIELD_TRAILER)
		return false;
	if (part == ALL)
		return true;
	return f->id != FIELD_AGE &&
		cachectl_withholds(h, f) == (part == WITHHELD);
}

static void
put_fields(const struct head *h, enum part part, struct buf *out)
{
	for (unsigned i = 0; i < h->nfields; i++)
		if (belongs(h, &h->fields[i], part))
			fields_put(h->fields[i].name, h->fields[i].value, out);
}

void
forward_interim(const struct head *h, struct str via, struct buf *out)
{
	struct buf fields = {0};

	if (h->status != 100)
		put_fields(h, ALL, &fields);
	answer_interim(via, h->status, buf_view(&fields), out);
	buf_fini(&fields);
}

void
forward_switch(const struct head *h, struct buf *out)
{
	const struct field *f = head_find(h, FIELD_UPGRADE);

	put_fields(h, ALL, out);
	for (; f; f = head_next(h, f))
		fields_put(f->name, f->value, out);
}

void
forward_fields(const struct head *h, bool stored, struct buf *fields,
	struct buf *withheld)
{
	char date[DATE_SIZE];

	put_fields(h, stored ? KEPT : ALL, fields);
	/* RFC 9110, 6.6.1: who receives a response without a date dates it. */
	if (!head_find(h, FIELD_DATE))
		fields_put(STR("Date"),
			str_of(date, date_format(date, clock_wall_s())),
			fields);
	if (stored)
		put_fields(h, WITHHELD, withheld);
}
