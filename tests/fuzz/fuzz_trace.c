/*
 * Traces in any format: whatever is read is within the input, has targets that
 * are fit to be sent, and is all of the input.
 */
#include "base/check.h"
#include "bench/target.h"
#include "bench/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_fit(struct str target)
{
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] >= 0x7f)
			return false;
	return target.n > 0 && target.p[0] == '/';
}

static bool
is_within(struct str part, struct str whole)
{
	return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void
check_entry(enum trace_format f, const struct trace_entry *e, struct str in)
{
	struct buf out = {0}, again = {0};

	CHECK(e->status == 0 || (e->status >= 100 && e->status <= 999));
	CHECK(e->method.n > 0 && is_within(e->method, in));
	CHECK(e->target.n > 0 && is_within(e->target, in));
	if (trace_target(f, e, &out)) {
		CHECK(is_fit(buf_view(&out)));
		/* What can be sent is sent as it is. */
		if (buf_len(&out) <= TARGET_MAX) {
			CHECK(target_sendable(buf_view(&out), &again));
			CHECK(str_eq(buf_view(&out), buf_view(&again)));
		}
	} else {
		CHECK(buf_len(&out) == 0);
	}
	buf_fini(&out);
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of((const char *)data, size);

	CHECK(trace_detect(all) < TRACE_FORMATS);
	for (enum trace_format f = 0; f < TRACE_FORMATS; f++) {
		struct str in = all;
		struct trace_entry e;
		enum trace_result r;
		size_t used;

		while ((r = trace_next(f, in, true, &e, &used)) != TRACE_MORE) {
			CHECK(used > 0 && used <= in.n);
			if (r == TRACE_ENTRY)
				check_entry(f, &e, in);
			in = str_of(in.p + used, in.n - used);
		}
		CHECK(in.n == 0);
	}
	return 0;
}
