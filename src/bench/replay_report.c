/* See replay_report.h. */
#include "bench/replay_report.h"

#include "admin/human.h"
#include "bench/catalog.h"
#include "bench/replay.h"

#include <jansson.h>

static double
per_second(uint64_t n, const struct load_result *l)
{
	return l->elapsed_ns ? (double)n * 1e9 / (double)l->elapsed_ns : 0;
}

static double
ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void
print_speed(FILE *out, const struct load_result *l)
{
	const struct hist *h = &l->latency_ns;

	fprintf(out, "  speed     %s requests/s, %s/s\n",
		human_count((uint64_t)per_second(load_requests(l), l)).z,
		human_bytes((uint64_t)per_second(l->body_bytes, l)).z);
	fprintf(out,
		"  latency   p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, "
		"max %.1f ms\n",
		ms(hist_quantile(h, 0.5)), ms(hist_quantile(h, 0.9)),
		ms(hist_quantile(h, 0.99)), ms(h->max));
}

static void
print_answers(FILE *out, const struct replay_result *res)
{
	fputs("  answers  ", out);
	for (unsigned i = 0; i < 600; i++)
		if (res->load.statuses[i])
			fprintf(out, " %u: %s ", i,
				human_count(res->load.statuses[i]).z);
	fprintf(out, "\n  bodies    %s\n", human_bytes(res->load.body_bytes).z);
	if (res->hits || res->relayed)
		fprintf(out,
			"  caches    %s hits, %s joined a fetch, %s relayed\n",
			human_count(res->hits).z, human_count(res->joined).z,
			human_count(res->relayed).z);
}

static void
print_log(FILE *out, const struct catalog *c)
{
	if (c->conditional)
		fprintf(out,
			"  log       %s conditional requests (304), sent as "
			"plain ones\n",
			human_count(c->conditional).z);
	if (c->unreadable || c->unsendable || c->other_methods)
		fprintf(out,
			"  left out  %s unreadable lines, %s targets that "
			"can't be sent, %s other methods\n",
			human_count(c->unreadable).z,
			human_count(c->unsendable).z,
			human_count(c->other_methods).z);
}

static void
print_verdict(FILE *out, const struct replay_result *res)
{
	const struct load_result *l = &res->load;

	if (load_wrong(l) == 0) {
		fputs("  verdict   every answer right, byte for byte\n", out);
		return;
	}
	fprintf(out, "  verdict   %s answers WRONG\n",
		human_count(load_wrong(l)).z);
	for (unsigned i = LOAD_RIGHT + 1; i < LOAD_OUTCOMES; i++)
		if (l->outcomes[i])
			fprintf(out, "            %s: %s\n",
				load_outcome_text(i),
				human_count(l->outcomes[i]).z);
	for (size_t i = 0; i < res->nexamples; i++) {
		const struct replay_example *e = &res->examples[i];

		fprintf(out,
			"            %s: %.*s (expected %u with %llu bytes, "
			"%llu came)\n",
			load_outcome_text(e->outcome),
			STR_ARG(e->object->target), e->object->status,
			(unsigned long long)e->object->bytes,
			(unsigned long long)e->body);
	}
}

void
replay_report(FILE *out, const struct replay *r, const struct catalog *c,
	const struct replay_result *res)
{
	const struct load_result *l = &res->load;

	fprintf(out, "%s requests for %s URLs over %u connections in %.2f s\n",
		human_count(load_requests(l)).z, human_count(res->targets).z,
		r->connections, ms(l->elapsed_ns) / 1e3);
	print_speed(out, l);
	print_answers(out, res);
	print_log(out, c);
	print_verdict(out, res);
}

static json_t *
statuses_json(const struct load_result *l)
{
	json_t *o = json_object();
	char name[8];

	for (unsigned i = 0; i < 600; i++)
		if (l->statuses[i]) {
			snprintf(name, sizeof(name), "%u", i);
			json_object_set_new(o, name,
				json_integer((json_int_t)l->statuses[i]));
		}
	return o;
}

static json_t *
outcomes_json(const struct load_result *l)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < LOAD_OUTCOMES; i++)
		json_object_set_new(o, load_outcome_text(i),
			json_integer((json_int_t)l->outcomes[i]));
	return o;
}

void
replay_report_json(FILE *out, const struct replay *r, const struct catalog *c,
	const struct replay_result *res)
{
	const struct load_result *l = &res->load;
	const struct hist *h = &l->latency_ns;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"requests", load_requests(l)},
		{"wrong", load_wrong(l)},
		{"targets", res->targets},
		{"connections", r->connections},
		{"connections_opened", l->connections},
		{"body_bytes", l->body_bytes},
		{"hits", res->hits},
		{"joined", res->joined},
		{"relayed", res->relayed},
		{"elapsed_ns", l->elapsed_ns},
		{"latency_p50_ns", hist_quantile(h, 0.5)},
		{"latency_p90_ns", hist_quantile(h, 0.9)},
		{"latency_p99_ns", hist_quantile(h, 0.99)},
		{"latency_max_ns", h->max},
		{"log_conditional", c->conditional},
		{"log_unreadable", c->unreadable},
		{"log_unsendable", c->unsendable},
		{"log_other_methods", c->other_methods},
	};
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_set_new(o, numbers[i].name,
			json_integer((json_int_t)numbers[i].value));
	json_object_set_new(o, "statuses", statuses_json(l));
	json_object_set_new(o, "outcomes", outcomes_json(l));
	json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}
