/* See webstone.h. */
#include "bench/webstone.h"

#include "bench/load.h"

struct webstone
webstone_of(const struct load_result *r)
{
	double s = (double)r->elapsed_ns / 1e9;
	double tried = (double)load_requests(r);

	if (s <= 0 || tried <= 0)
		return (struct webstone){0};
	return (struct webstone){
		.connections_per_s = (double)r->outcomes[LOAD_RIGHT] / s,
		.mbit_per_s = 8 * (double)r->received_bytes / s / (1 << 20),
		.response_s = hist_mean(&r->latency_ns) / 1e9,
		.load_factor = (double)r->latency_ns.sum / 1e9 / s,
		.error_percent = 100 * (double)load_wrong(r) / tried,
	};
}

void
webstone_report(FILE *out, const struct load *l, const struct load_result *r)
{
	struct webstone w = webstone_of(r);

	fprintf(out,
		"  WebStone  connection rate         %.1f/s\n"
		"            throughput              %.2f Mbit/s of 2^20 bits\n"
		"            average response time   %.4f s\n"
		"            Little's load factor    %.1f of %u clients\n"
		"            error level             %.2f %%\n",
		w.connections_per_s, w.mbit_per_s, w.response_s, w.load_factor,
		l->connections, w.error_percent);
}

json_t *
webstone_json(const struct load_result *r)
{
	struct webstone w = webstone_of(r);

	return json_pack("{s:f, s:f, s:f, s:f, s:f}", "connections_per_s",
		w.connections_per_s, "mbit_per_s", w.mbit_per_s, "response_s",
		w.response_s, "load_factor", w.load_factor, "error_percent",
		w.error_percent);
}
