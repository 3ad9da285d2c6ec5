/* Quantities as a person reads them: see human.h. */
#include "admin/human.h"

#include <inttypes.h>
#include <stdio.h>

/* n, which is a unit or more, in the first unit that leaves three digits. */
static struct human
scaled(uint64_t n, double base)
{
	const char *unit = "KMGTPE";
	double v = (double)n / base;
	struct human h;

	while (v >= 999.5 && unit[1]) {
		v /= base;
		unit++;
	}
	snprintf(h.z, sizeof(h.z), v < 99.95 ? "%.1f%c" : "%.0f%c", v, *unit);
	return h;
}

struct human
human_bytes(uint64_t n)
{
	struct human h;

	if (n >= 1000)
		return scaled(n, 1024);
	snprintf(h.z, sizeof(h.z), "%" PRIu64 "B", n);
	return h;
}

struct human
human_count(uint64_t n)
{
	struct human h;

	if (n >= 1000000)
		return scaled(n, 1000);
	if (n >= 1000)
		snprintf(h.z, sizeof(h.z), "%" PRIu64 ",%03" PRIu64, n / 1000,
			n % 1000);
	else
		snprintf(h.z, sizeof(h.z), "%" PRIu64, n);
	return h;
}

struct human
human_share(uint64_t part, uint64_t whole)
{
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;
	struct human h = {"-"};

	if (whole == 0)
		return h;
	if (part == 0 || part == whole) {
		snprintf(h.z, sizeof(h.z), "%.0f%%", percent);
		return h;
	}
	if (part < whole && percent > 99.9)
		percent = 99.9;
	if (percent < 0.1)
		percent = 0.1;
	snprintf(h.z, sizeof(h.z), "%.1f%%", percent);
	return h;
}

struct human
human_duration(double s)
{
	static const struct {
		const char *name, *next;
		unsigned n, next_n; /* seconds */
	} units[] = {
		{"d", "h", 86400, 3600},
		{"h", "min", 3600, 60},
		{"min", "s", 60, 1},
	};
	uint64_t whole = s > 0 && s < 1e15 ? (uint64_t)s : 0;
	struct human h;

	for (int i = 0; i < 3; i++) {
		if (whole < units[i].n)
			continue;
		snprintf(h.z, sizeof(h.z), "%" PRIu64 " %s %" PRIu64 " %s",
			whole / units[i].n, units[i].name,
			whole % units[i].n / units[i].next_n, units[i].next);
		return h;
	}
	if (s >= 1)
		snprintf(h.z, sizeof(h.z), "%" PRIu64 " s", whole);
	else
		snprintf(h.z, sizeof(h.z), "%.0f ms", s * 1000);
	return h;
}
