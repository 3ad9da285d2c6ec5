/*
 * A Dictionary, as structured field. Held to: slices lie within the input; its
 * members, joined again, are a Dictionary of the same members; what is no
 * Dictionary ends the walk over its members.
 */
#include "base/buf.h"
#include "base/check.h"
#include "http/sfv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct str whole, struct str s)
{
	CHECK(s.p >= whole.p && s.n <= whole.n);
	CHECK((size_t)(s.p - whole.p) <= whole.n - s.n);
}

/* The members of s as text; how many. */
static size_t
join(struct str s, struct buf *out)
{
	struct str rest = s;
	struct sfv_member m;
	size_t n = 0;

	while (sfv_dict_next(&rest, &m)) {
		check_inside(s, m.key);
		check_inside(s, m.value);
		CHECK(m.key.n && (m.value.n || m.type == SFV_BOOLEAN));
		buf_z(out, n++ ? ", " : "");
		buf_str(out, m.key);
		buf_z(out, m.value.n ? "=" : "");
		buf_str(out, m.value);
	}
	CHECK(rest.n == 0);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct buf once = {0}, twice = {0};
	size_t n = join(in, &once);

	CHECK(sfv_is_dict(buf_view(&once)));
	CHECK(join(buf_view(&once), &twice) == n);
	CHECK(str_eq(buf_view(&once), buf_view(&twice)));
	CHECK(!sfv_is_dict(in) || n > 0 || str_trim(in).n == 0);
	buf_fini(&twice);
	buf_fini(&once);
	return 0;
}
