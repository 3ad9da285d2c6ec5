/* Log lines: whatever is read has targets that are fit to be sent. */
#include "base/check.h"
#include "bench/clf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_fit(struct str target)
{
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] >= 0x7f)
			return false;
	return target.n > 0 && target.p[0] == '/';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0}, again = {0};
	struct clf_line l;

	if (clf_parse(str_of((const char *)data, size), &l)) {
		CHECK(l.status >= 100 && l.status <= 999);
		CHECK(l.method.n > 0 && l.target.n > 0);
		if (clf_sendable(l.target, &out)) {
			CHECK(is_fit(buf_view(&out)));
			/* What can be sent is sent as it is. */
			if (buf_len(&out) <= CLF_TARGET_MAX) {
				CHECK(clf_sendable(buf_view(&out), &again));
				CHECK(str_eq(buf_view(&out), buf_view(&again)));
			}
		}
	}
	buf_fini(&out);
	buf_fini(&again);
	return 0;
}
