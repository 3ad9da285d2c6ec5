/* See human.h. */
#include "bench/human.h"

#include <stdio.h>

struct human
human_count(uint64_t n)
{
	struct human out;
	char digits[24];
	int len =
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out.z[at++] = ',';
		out.z[at++] = digits[i];
	}
	out.z[at] = '\0';
	return out;
}

struct human
human_bytes(uint64_t n)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	struct human out;
	double v = (double)n / 1e3;
	unsigned unit = 0;

	if (n < 1000) {
		snprintf(out.z, sizeof(out.z), "%u B", (unsigned)n);
		return out;
	}
	/* 999.95 would be printed as 1000.0 */
	for (; v >= 999.95 && unit < 3; unit++)
		v /= 1e3;
	snprintf(out.z, sizeof(out.z), "%.1f %s", v, units[unit]);
	return out;
}

struct human
human_time(uint64_t ns)
{
	struct human out;
	double ms = (double)ns / 1e6;

	if (ms < 9.95)
		snprintf(out.z, sizeof(out.z), "%.1f ms", ms);
	else if (ms < 999.5)
		snprintf(out.z, sizeof(out.z), "%.0f ms", ms);
	else
		snprintf(out.z, sizeof(out.z), "%.2f s", ms / 1e3);
	return out;
}
