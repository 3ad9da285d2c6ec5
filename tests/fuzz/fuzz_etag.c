/*
 * A list of entity tags. Held to: tags lie within the list, one behind the
 * other, and are valid; each is the same as itself, strongly unless weak; and
 * as a condition the list says of each tag in it that the client has it.
 */
#include "base/check.h"
#include "http/precondition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_conditions(struct str list, struct str etag)
{
	struct validators v = {etag, INT64_MIN, INT64_MIN};
	struct head h = {.method = METHOD_GET, .nfields = 1};

	h.fields[0].value = list;
	h.fields[0].id = FIELD_IF_NONE_MATCH;
	CHECK(precondition_check(&h, &v) == PRECONDITION_NOT_MODIFIED);
	h.fields[0].id = FIELD_IF_MATCH;
	CHECK((precondition_check(&h, &v) == PRECONDITION_PASS) ==
		!etag_is_weak(etag));
	h.fields[0].id = FIELD_IF_RANGE;
	CHECK(!precondition_if_range(&h, &v) || str_eq(list, etag));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = str_of((const char *)data, size);
	struct str rest = list, etag;
	const char *at = list.p;
	unsigned n = 0;

	while (etag_next(&rest, &etag)) {
		CHECK(etag.p >= at && etag.p + etag.n <= list.p + list.n);
		at = etag.p + etag.n;
		CHECK(etag_is_valid(etag));
		CHECK(etag_same_weak(etag, etag));
		CHECK(etag_same_strong(etag, etag) == !etag_is_weak(etag));
		if (n++ < 100) /* or it takes quadratic time */
			check_conditions(list, etag);
	}
	return 0;
}
