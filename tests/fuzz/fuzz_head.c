/*
 * A request, the response that follows it, and everything that reads heads.
 * Held to: slices lie within the input; a verdict never changes when more
 * bytes arrive, and before the end of a good head it is always "more".
 */
#include <stdlib.h>

#include "base/check.h"
#include "http/cachectl.h"
#include "http/frame.h"
#include "http/trailers.h"
#include "http/upgrade.h"

#define NOW 784111777

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum head_result (*parse_fn)(struct str, struct head *);

static void
check_inside(struct str whole, struct str s)
{
	CHECK(s.p >= whole.p && s.n <= whole.n);
	CHECK((size_t)(s.p - whole.p) <= whole.n - s.n);
}

static void
check_head(struct str in, const struct head *h)
{
	struct str head = str_of(in.p, h->bytes);

	CHECK(h->bytes <= in.n && h->bytes <= HEAD_MAX_BYTES);
	CHECK(memcmp(in.p + h->bytes - 4, "\r\n\r\n", 4) == 0);
	CHECK(h->nfields <= HEAD_MAX_FIELDS && h->minor <= 1);
	for (unsigned i = 0; i < h->nfields; i++) {
		const struct field *f = &h->fields[i];
		struct str rest = f->value, element;

		CHECK(f->name.n && f->id < FIELD_COUNT);
		check_inside(head, f->name);
		check_inside(head, f->value);
		CHECK(!memchr(f->value.p, '\n', f->value.n));
		CHECK(!memchr(f->value.p, '\r', f->value.n));
		while (list_next(&rest, &element)) {
			CHECK(element.n);
			check_inside(f->value, element);
			check_inside(f->value, rest);
		}
		(void)head_is_hop_by_hop(h, f);
	}
	(void)head_keep_alive(h);
}

static void
check_prefix(struct str in, size_t n, parse_fn parse, enum head_result whole,
	size_t bytes)
{
	char *copy = malloc(n ? n : 1); /* so that overruns are seen */
	struct head h;
	enum head_result r;

	if (n)
		memcpy(copy, in.p, n);
	r = parse(str_of(copy, n), &h);
	if (whole == HEAD_DONE)
		CHECK(r == (n < bytes ? HEAD_MORE : HEAD_DONE));
	else
		CHECK(r == HEAD_MORE || r == whole);
	CHECK((r == HEAD_DONE || r == HEAD_MORE) == !h.error);
	CHECK(r != HEAD_DONE || h.bytes == bytes);
	free(copy);
}

static enum head_result
parse_both_ways(struct str in, parse_fn parse, struct head *h)
{
	enum head_result r = parse(in, h);
	size_t step = in.n / 16 + 1;

	for (size_t n = in.n % step; n < in.n; n += step)
		check_prefix(in, n, parse, r, h->bytes);
	if (r != HEAD_DONE)
		return r;
	check_prefix(in, h->bytes - 1, parse, r, h->bytes);
	check_prefix(in, h->bytes, parse, r, h->bytes);
	check_head(in, h);
	return r;
}

static void
check_frame(const struct head *h, enum frame_result r, const struct frame *f,
	const char *why)
{
	if (r != FRAME_OK) {
		CHECK(why);
		return;
	}
	CHECK(!why);
	CHECK(f->length <= INT64_MAX);
	CHECK(f->kind == FRAME_LENGTH || f->length == 0);
	if (f->kind == FRAME_CHUNKED)
		CHECK(!head_find(h, FIELD_CONTENT_LENGTH) && h->minor == 1);
	if (f->kind == FRAME_LENGTH)
		CHECK(!head_find(h, FIELD_TRANSFER_ENCODING));
}

/* Whoever asks for less gets no more. */
static void
check_use(const struct freshness *f, const struct cachectl *asked)
{
	const struct cachectl anything = {.max_age = -1,
		.max_stale = CACHECTL_MAX_S,
		.min_fresh = -1,
		.stale_if_error = CACHECTL_MAX_S};
	struct stored_freshness s = cachectl_keep(f);
	int64_t ages_s[] = {0, f->initial_age_s, f->lifetime_s, CACHECTL_MAX_S};

	CHECK(s.lifetime_s == f->lifetime_s);
	CHECK(s.stale_while_revalidate_s == f->stale_while_revalidate_s);
	CHECK(s.stale_if_error_s == f->stale_if_error_s);
	for (size_t i = 0; i < sizeof(ages_s) / sizeof(ages_s[0]); i++) {
		enum cachectl_use use = cachectl_use(asked, &s, ages_s[i]);

		CHECK(use == USE_REVALIDATE ||
			cachectl_use(&anything, &s, ages_s[i]) !=
				USE_REVALIDATE);
		CHECK(use == USE_REVALIDATE || !f->no_cache);
		CHECK(use == USE_REVALIDATE || ages_s[i] < f->lifetime_s ||
			!f->must_revalidate);
		CHECK(!cachectl_usable_on_error(asked, &s, ages_s[i]) ||
			cachectl_usable_on_error(&anything, &s, ages_s[i]));
	}
}

static void
check_freshness(const struct head *request, const struct head *response)
{
	struct cachectl_event e = {request, response, NOW - 1, NOW};
	struct cachectl asked;
	struct freshness f;

	cachectl_freshness(&e, &f);
	CHECK(f.storable == !f.why_not);
	CHECK(f.lifetime_s >= 0 && f.lifetime_s <= CACHECTL_MAX_S);
	CHECK(f.initial_age_s >= 1 && f.initial_age_s <= CACHECTL_MAX_S);
	CHECK(!f.storable || request->method == METHOD_GET);
	CHECK(!f.storable || f.initial_age_s < f.lifetime_s ||
		f.stale_while_revalidate_s || f.stale_if_error_s ||
		head_find(response, FIELD_ETAG) ||
		head_find(response, FIELD_LAST_MODIFIED));
	for (unsigned i = 0; i < response->nfields; i++)
		(void)cachectl_withholds(response, &response->fields[i]);
	cachectl_parse(request, &asked);
	check_use(&f, &asked);
}

/* What is passed on was offered, and would be passed on again. */
static void
check_upgrade(const struct head *request, const struct head *response)
{
	struct buf list = {0};
	struct str rest, protocol;

	upgrade_put(request, &list);
	CHECK(upgrade_is_offered(request) == (buf_len(&list) > 0));
	rest = buf_view(&list);
	while (list_next(&rest, &protocol))
		CHECK(head_has_token(request, FIELD_UPGRADE, protocol));
	CHECK(!upgrade_is_chosen(response, request) || buf_len(&list));
	(void)trailers_may_pass(request);
	(void)trailers_are_wanted(request);
	buf_fini(&list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct head request = {.method = METHOD_GET}, response;
	struct frame f = {0};
	const char *why = NULL;
	enum frame_result r;

	if (parse_both_ways(in, head_parse_request, &request) == HEAD_DONE) {
		check_inside(in, request.target);
		check_inside(in, request.method_str);
		r = frame_of_request(&request, &f, &why);
		check_frame(&request, r, &f, why);
		CHECK(why || f.kind != FRAME_CLOSE);
		in = str_of(in.p + request.bytes, in.n - request.bytes);
	} else {
		request = (struct head){.method = METHOD_GET};
	}
	if (parse_both_ways(in, head_parse_response, &response) == HEAD_DONE) {
		check_inside(in, response.reason);
		CHECK(response.status >= 100 && response.status <= 599);
		why = NULL;
		r = frame_of_response(&response, request.method, &f, &why);
		check_frame(&response, r, &f, why);
		check_freshness(&request, &response);
		check_upgrade(&request, &response);
	}
	return 0;
}
