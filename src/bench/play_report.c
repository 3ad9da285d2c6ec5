/* See play_report.h. */
#include "bench/play_report.h"

#include "admin/human.h"
#include "bench/load_report.h"

static void
print_caches(FILE *out, const struct play_result *r)
{
	if (r->hits || r->relayed)
		fprintf(out,
			"  caches    %s hits, %s joined a fetch, %s relayed\n",
			human_count(r->hits).z, human_count(r->joined).z,
			human_count(r->relayed).z);
}

/* Of a cluster. */
static void
print_shares(FILE *out, const struct shares *s)
{
	if (s->nnodes > 1)
		fprintf(out,
			"  nodes     answers came from %zu; from the busiest, "
			"%.2f times the mean\n",
			s->nnodes, shares_peak(s));
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
print_example(FILE *out, const struct play_example *e)
{
	fprintf(out, "            %s: %.*s (expected %u",
		load_outcome_text(e->outcome), STR_ARG(e->object->target),
		e->object->status);
	if (e->object->bytes != CATALOG_ANY_BYTES)
		fprintf(out, " with %llu bytes",
			(unsigned long long)e->object->bytes);
	fprintf(out, ", %llu came)\n", (unsigned long long)e->body);
}

static bool
is_all_known(const struct catalog *c)
{
	for (size_t i = 0; i < c->nobjects; i++)
		if (c->objects[i].bytes == CATALOG_ANY_BYTES)
			return false;
	return true;
}

void
play_report(FILE *out, const struct play *p, const struct catalog *c,
	const struct play_result *r)
{
	const struct load_result *l = &r->load;

	fprintf(out, "%s requests for %s URLs over %u connections in %.2f s\n",
		human_count(load_requests(l)).z, human_count(r->targets).z,
		p->load.connections, (double)l->elapsed_ns / 1e9);
	load_report(out, &p->load, l);
	print_caches(out, r);
	print_shares(out, &r->shares);
	print_log(out, c);
	load_report_verdict(out, l,
		is_all_known(c) ? "byte for byte" : "as far as is known");
	for (size_t i = 0; i < r->nexamples; i++)
		print_example(out, &r->examples[i]);
}

static json_t *
nodes_json(const struct shares *s)
{
	json_t *nodes = json_object();

	for (size_t i = 0; i < s->nnodes; i++)
		json_object_set_new(nodes, s->nodes[i].name,
			json_pack("{s:I, s:I}", "taken",
				(json_int_t)s->nodes[i].taken, "served",
				(json_int_t)s->nodes[i].served));
	return nodes;
}

/* served: in the order of the nodes */
static json_t *
seconds_json(const struct shares *s)
{
	json_t *seconds = json_array();

	for (uint64_t i = 0; i < s->seconds; i++) {
		json_t *served = json_array();

		for (size_t j = 0; j < s->nnodes; j++)
			json_array_append_new(
				served, json_integer(s->served[i][j]));
		json_array_append_new(seconds,
			json_pack("{s:f, s:o}", "peak", shares_peak_in(s, i),
				"served", served));
	}
	return seconds;
}

json_t *
play_report_json(const struct play *p, const struct catalog *c,
	const struct play_result *r)
{
	const struct load_number numbers[] = {
		{"targets", r->targets},
		{"hits", r->hits},
		{"joined", r->joined},
		{"relayed", r->relayed},
		{"log_conditional", c->conditional},
		{"log_unreadable", c->unreadable},
		{"log_unsendable", c->unsendable},
		{"log_other_methods", c->other_methods},
	};
	json_t *o = load_report_json(&p->load, &r->load);

	load_report_numbers(o, numbers, sizeof(numbers) / sizeof(*numbers));
	json_object_set_new(o, "peak", json_real(shares_peak(&r->shares)));
	json_object_set_new(o, "nodes", nodes_json(&r->shares));
	json_object_set_new(o, "per_second", seconds_json(&r->shares));
	return o;
}
