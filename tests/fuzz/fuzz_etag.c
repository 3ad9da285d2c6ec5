/*
 * A list of entity tags. Held to: tags lie within the list, one behind the
 * other, and are valid; each is the same as itself, strongly unless weak; and
 * as a condition the list says of each tag in it that the client has it.
 */
#include "base/check.h"
#include "http/precondition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct head
request(const char *name, struct str value)
{
	struct head h = {.method = METHOD_GET};

	head_add(&h, str_z(name), value);
	return h;
}

static void
check_conditions(struct str list, struct str etag)
{
	struct validators v = {etag, INT64_MIN, INT64_MIN};
	struct head none_match = request("If-None-Match", list);
	struct head match = request("If-Match", list);
	struct head range = request("If-Range", list);

	CHECK(precondition_check(&none_match, &v) == PRECONDITION_NOT_MODIFIED);
	CHECK((precondition_check(&match, &v) == PRECONDITION_PASS) ==
		!etag_is_weak(etag));
	CHECK(!precondition_if_range(&range, &v) || str_eq(list, etag));
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
