/* See load_report.h. */
#include "bench/load_report.h"

#include "admin/human.h"

#define NUMBERS(v) v, sizeof(v) / sizeof(*(v))

static double
per_second(uint64_t n, const struct load_result *r)
{
	return r->elapsed_ns ? (double)n * 1e9 / (double)r->elapsed_ns : 0;
}

static double
ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void
print_rate(FILE *out, const struct load *l, const struct load_result *r)
{
	if (l->rate <= 0)
		return;
	fprintf(out, "  rate      %.1f/s asked for, %.1f/s ended", l->rate,
		per_second(load_requests(r), r));
	if (r->unsent)
		fprintf(out,
			"\n            %s that were due NEVER SENT: no "
			"connection "
			"was free",
			human_count(r->unsent).z);
	fputc('\n', out);
}

static void
print_latency(FILE *out, const struct load *l, const struct hist *h)
{
	fprintf(out,
		"  latency   p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, "
		"p99.9 %.1f ms, max %.1f ms%s\n",
		ms(hist_quantile(h, 0.5)), ms(hist_quantile(h, 0.9)),
		ms(hist_quantile(h, 0.99)), ms(hist_quantile(h, 0.999)),
		ms(h->max), l->rate > 0 ? ", since due" : "");
}

void
load_report(FILE *out, const struct load *l, const struct load_result *r)
{
	print_rate(out, l, r);
	fprintf(out, "  speed     %s requests/s, %s/s, %.2f Mbit/s in all\n",
		human_count((uint64_t)per_second(load_requests(r), r)).z,
		human_bytes((uint64_t)per_second(r->body_bytes, r)).z,
		per_second(r->received_bytes, r) * 8 / 1e6);
	print_latency(out, l, &r->latency_ns);
	fputs("  answers  ", out);
	for (unsigned i = 0; i < 600; i++)
		if (r->statuses[i])
			fprintf(out, " %u: %s ", i,
				human_count(r->statuses[i]).z);
	fprintf(out, "\n  bodies    %s\n", human_bytes(r->body_bytes).z);
}

void
load_report_verdict(FILE *out, const struct load_result *r, const char *how)
{
	if (load_wrong(r) == 0) {
		fprintf(out, "  verdict   every answer right, %s\n", how);
		return;
	}
	fprintf(out, "  verdict   %s answers WRONG\n",
		human_count(load_wrong(r)).z);
	for (unsigned i = LOAD_RIGHT + 1; i < LOAD_OUTCOMES; i++)
		if (r->outcomes[i])
			fprintf(out, "            %s: %s\n",
				load_outcome_text(i),
				human_count(r->outcomes[i]).z);
}

static json_t *
statuses_json(const struct load_result *r)
{
	json_t *o = json_object();
	char name[8];

	for (unsigned i = 0; i < 600; i++)
		if (r->statuses[i]) {
			snprintf(name, sizeof(name), "%u", i);
			json_object_set_new(o, name,
				json_integer((json_int_t)r->statuses[i]));
		}
	return o;
}

static json_t *
outcomes_json(const struct load_result *r)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < LOAD_OUTCOMES; i++)
		json_object_set_new(o, load_outcome_text(i),
			json_integer((json_int_t)r->outcomes[i]));
	return o;
}

void
load_report_numbers(json_t *o, const struct load_number *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_set_new(
			o, v[i].name, json_integer((json_int_t)v[i].value));
}

json_t *
load_report_json(const struct load *l, const struct load_result *r)
{
	const struct hist *h = &r->latency_ns, *connect = &r->connect_ns;
	const struct load_number numbers[] = {
		{"requests", load_requests(r)},
		{"wrong", load_wrong(r)},
		{"unsent", r->unsent},
		{"connections", l->connections},
		{"connections_opened", r->connections},
		{"body_bytes", r->body_bytes},
		{"received_bytes", r->received_bytes},
		{"elapsed_ns", r->elapsed_ns},
		{"latency_mean_ns", (uint64_t)hist_mean(h)},
		{"latency_p50_ns", hist_quantile(h, 0.5)},
		{"latency_p90_ns", hist_quantile(h, 0.9)},
		{"latency_p99_ns", hist_quantile(h, 0.99)},
		{"latency_p999_ns", hist_quantile(h, 0.999)},
		{"latency_max_ns", h->max},
		{"connect_p50_ns", hist_quantile(connect, 0.5)},
		{"connect_p99_ns", hist_quantile(connect, 0.99)},
	};
	json_t *o = json_object();

	load_report_numbers(o, NUMBERS(numbers));
	json_object_set_new(o, "rate", json_real(l->rate));
	json_object_set_new(o, "requests_per_s",
		json_real(per_second(load_requests(r), r)));
	json_object_set_new(o, "statuses", statuses_json(r));
	json_object_set_new(o, "outcomes", outcomes_json(r));
	return o;
}
