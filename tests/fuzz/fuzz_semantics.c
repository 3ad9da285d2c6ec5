/*
 * A request, and the response that follows it, before all that reads their
 * fields for a cache: Vary, conditions, updates of stored fields, tags,
 * invalidation, Max-Forwards. Held to, in short: what was made of two heads
 * fits these heads.
 */
#include "base/check.h"
#include "http/fields.h"
#include "http/forwarded.h"
#include "http/invalidate.h"
#include "http/precondition.h"
#include "http/range.h"
#include "http/tags.h"
#include "http/uri.h"
#include "http/vary.h"

#define KEY STR("http://example.org/a/b?c")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The request that made a selector is selected by it, and whatever else is
 * selected makes the same one. */
static void
check_vary(const struct head *request, const struct head *response)
{
	struct head other = *request;
	struct buf a = {0}, b = {0};

	if (!vary_make(request, response, &a)) {
		CHECK(buf_len(&a) == 0);
		return;
	}
	CHECK(vary_matches(buf_view(&a), request));
	other.nfields = request->nfields ? request->nfields - 1 : 0;
	CHECK(vary_make(&other, response, &b));
	CHECK(vary_matches(buf_view(&a), &other) ==
		str_eq(buf_view(&a), buf_view(&b)));
	buf_fini(&b);
	buf_fini(&a);
}

static void
put_fields(const struct head *h, struct buf *out)
{
	for (unsigned i = 0; i < h->nfields; i++)
		fields_put(h->fields[i].name, h->fields[i].value, out);
}

static void
check_same(const struct head *a, const struct head *b)
{
	CHECK(a->nfields == b->nfields);
	for (unsigned i = 0; i < a->nfields; i++) {
		CHECK(a->fields[i].id == b->fields[i].id);
		CHECK(str_eq(a->fields[i].name, b->fields[i].name));
		CHECK(str_eq(a->fields[i].value, b->fields[i].value));
	}
}

static void
check_tags(struct str fields)
{
	struct tags t = tags_in(fields);
	struct str tag;

	for (unsigned n = 0; n < 100 && tags_next(&t, &tag); n++)
		CHECK(tag.n && tags_have(fields, tag));
}

/* Updating twice is updating once. */
static void
check_update(struct str stored, const struct head *update)
{
	struct buf once = {0}, twice = {0};

	fields_update(stored, update, &once);
	fields_update(buf_view(&once), update, &twice);
	CHECK(buf_len(&once) == buf_len(&twice));
	buf_fini(&twice);
	buf_fini(&once);
}

static void
check_stored(const struct head *request, const struct head *response)
{
	struct buf fields = {0}, others = {0};
	struct validators v = validators_of(response), w;
	struct head again;

	put_fields(response, &fields);
	put_fields(request, &others);
	CHECK(fields_to_head(buf_view(&fields), response->status, &again));
	check_same(response, &again);
	w = validators_of_fields(buf_view(&fields));
	CHECK(str_eq(v.etag, w.etag) && v.date_s == w.date_s);
	CHECK(v.last_modified_s == w.last_modified_s);
	CHECK(validators_match(&v, &w));
	check_tags(buf_view(&fields));
	check_update(buf_view(&fields), response);
	check_update(buf_view(&others), response);
	(void)precondition_check(request, &v);
	(void)precondition_if_range(request, &v);
	buf_fini(&others);
	buf_fini(&fields);
}

/* Each key is the key of itself. */
static void
check_invalidation(const struct head *response)
{
	struct buf keys = {0}, again = {0};
	struct str rest, key;

	invalidate(METHOD_POST, KEY, response, &keys);
	rest = buf_view(&keys);
	while (rest.n && str_split(&rest, '\n', &key)) {
		CHECK(str_starts(key, STR("http://example.org/")));
		buf_consume(&again, buf_len(&again));
		CHECK(uri_resolve(KEY, key, &again) == 0);
		CHECK(str_eq(buf_view(&again), key));
	}
	buf_fini(&again);
	buf_fini(&keys);
}

static void
check_forwarded(const struct head *request)
{
	const struct field *host = head_find(request, FIELD_HOST);
	struct forwarded f = {.for_ = STR("::1")};
	struct buf b = {0};
	struct str rest, element;

	if (host)
		f.host = host->value;
	forwarded_put(&f, &b);
	rest = buf_view(&b);
	CHECK(list_next(&rest, &element));
	CHECK(str_eq(element, buf_view(&b)));
	buf_fini(&b);
	CHECK(forwarded_hops_left(request) >= -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct head request, response;
	struct range_set set;

	check_tags(in);
	if (head_parse_request(in, &request) != HEAD_DONE)
		return 0;
	check_forwarded(&request);
	(void)range_asked(&request, &set);
	in = str_of(in.p + request.bytes, in.n - request.bytes);
	if (head_parse_response(in, &response) != HEAD_DONE)
		return 0;
	check_vary(&request, &response);
	check_stored(&request, &response);
	check_invalidation(&response);
	return 0;
}
