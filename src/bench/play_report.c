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
	print_log(out, c);
	load_report_verdict(out, l,
		is_all_known(c) ? "byte for byte" : "as far as is known");
	for (size_t i = 0; i < r->nexamples; i++)
		print_example(out, &r->examples[i]);
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
	return o;
}
