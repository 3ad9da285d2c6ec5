/* See published.h. */
#include "paper/published.h"

#include "base/str.h"

#include <math.h>

static const char text[] =
#include "paper/published.inc"
	;

enum { WORKLOAD, METRIC, SERVERS, ARCHITECTURE, POLICY, VALUE, COLUMNS };

static bool
split(struct str line, struct str out[COLUMNS])
{
	size_t n = 0;

	while (n < COLUMNS && str_split(&line, ',', &out[n]))
		n++;
	return n == COLUMNS;
}

double
published(const char *workload, const char *arch, const char *policy,
	unsigned nodes, enum published_metric m)
{
	struct str metric = m == PUBLISHED_MBIT_PER_S ? STR("mbit_per_s")
						      : STR("req_per_s");
	struct str rest = str_z(text), line, at[COLUMNS];
	uint64_t servers, value;

	while (str_split(&rest, '\n', &line))
		if (split(line, at) && str_ieq(at[WORKLOAD], str_z(workload)) &&
			str_eq(at[METRIC], metric) &&
			str_u64(at[SERVERS], 1000, &servers) == 0 &&
			servers == nodes &&
			str_eq(at[ARCHITECTURE], str_z(arch)) &&
			str_ieq(at[POLICY], str_z(policy)) &&
			str_u64(at[VALUE], 1000000, &value) == 0)
			return (double)value;
	return NAN;
}
