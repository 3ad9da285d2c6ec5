/*
 * A date, and a time. Held to: what is written reads back as the same time;
 * libc agrees with us on each date that we accept.
 */
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_written(int64_t t)
{
	char out[DATE_SIZE];
	time_t libc = (time_t)t;
	struct tm tm;

	CHECK(date_format(out, t) == DATE_SIZE - 1);
	CHECK(out[DATE_SIZE - 1] == '\0');
	CHECK(date_parse(str_of(out, DATE_SIZE - 1)) == t);
	CHECK(gmtime_r(&libc, &tm));
	CHECK(tm.tm_sec == atoi(out + 23) && tm.tm_min == atoi(out + 20));
	CHECK(tm.tm_hour == atoi(out + 17) && tm.tm_mday == atoi(out + 5));
	CHECK(tm.tm_year + 1900 == atoi(out + 12));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t t = date_parse(str_of((const char *)data, size));
	char out[DATE_SIZE];

	if (t != INT64_MIN)
		check_written(t);
	if (size != sizeof(t))
		return 0;
	memcpy(&t, data, sizeof(t));
	CHECK(date_format(out, t) == DATE_SIZE - 1);
	CHECK(date_parse(str_z(out)) == t || t < INT64_C(-62167219200) ||
		t > INT64_C(253402300799));
	return 0;
}
