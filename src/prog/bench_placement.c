/* sevenfold bench placement: the policies, without a network. */
#include "prog/bench_placement.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>

#include "admin/table.h"
#include "bench/placement.h"

static const char usage[] =
	"usage: sevenfold bench placement [--keys N] [--nodes N] [--seeds N]\n"
	"                                 [--json]\n"
	"\n"
	"What a look-up costs with each policy, how evenly keys are spread, "
	"how\n"
	"many move when a node joins or leaves; beside figures known before. "
	"The\n"
	"status is 1 if one of ours differs from those by more than chance\n"
	"allows.\n"
	"\n"
	"  --keys N   how many keys are placed (200000)\n"
	"  --nodes N  on how many nodes (16)\n"
	"  --seeds N  how often, with other names of nodes (10)\n"
	"  --json     a line of JSON for each policy\n";

static bool
read_number(const char *z, uint64_t least, uint64_t most, unsigned *out)
{
	uint64_t n;

	if (str_u64(str_z(z), most, &n) < 0 || n < least)
		return false;
	*out = (unsigned)n;
	return true;
}

static bool
is_reference(const struct placement_options *o)
{
	return o->keys == 200000 && o->nodes == 16 && o->seeds >= 8;
}

static void
share_cell(struct table *t, double share, double reference)
{
	if (isnan(share))
		table_cell(t, TABLE_FAINT, "-");
	else if (isnan(reference))
		table_cell(t, TABLE_PLAIN, "%.2f", share * 100);
	else
		table_cell(t, TABLE_PLAIN, "%.2f (%.1f)", share * 100,
			reference * 100);
}

static void
number_cell(struct table *t, double v, double reference, const char *form)
{
	char text[32], ref[32];

	snprintf(text, sizeof(text), "%.3f", v);
	snprintf(ref, sizeof(ref), *form == '3' ? "%.3f" : "%.2f", reference);
	if (isnan(reference))
		table_cell(t, TABLE_PLAIN, "%s", text);
	else
		table_cell(t, TABLE_PLAIN, "%s (%s)", text, ref);
}

/* seeds: 0, where there is nothing to compare with. */
static void
add_row(struct table *t, const struct placement_case *c,
	const struct placement_result *r, unsigned seeds)
{
	bool agrees = placement_agrees(c, r, seeds);

	table_cell(t, TABLE_PLAIN, "%s", c->label);
	table_cell(t, TABLE_PLAIN, "%.0f", r->lookup_ns);
	table_cell(t, TABLE_PLAIN, "%.0f", r->ranking_ns);
	table_cell(t, TABLE_PLAIN, "%zu", r->bytes);
	number_cell(t, r->sd, c->sd, "3");
	number_cell(t, r->peak, c->peak, "2");
	table_cell(t, TABLE_PLAIN, "%.2f", r->worst);
	share_cell(t, r->join, c->join);
	share_cell(t, r->leave, c->leave);
	if (!seeds || isnan(c->sd))
		table_cell(t, TABLE_FAINT, "%s", "-");
	else
		table_cell(t, agrees ? TABLE_GOOD : TABLE_BAD, "%s",
			agrees ? "yes" : "no");
}

static void
print_json(const struct placement_case *c, const struct placement_result *r,
	unsigned seeds)
{
	json_t *o = json_pack("{s:s, s:f, s:f, s:I, s:f, s:f, s:f}", "policy",
		c->label, "lookup_ns", r->lookup_ns, "ranking_ns",
		r->ranking_ns, "bytes", (json_int_t)r->bytes, "sd", r->sd,
		"peak", r->peak, "worst", r->worst);

	if (!isnan(r->join)) {
		json_object_set_new(o, "join", json_real(r->join));
		json_object_set_new(o, "leave", json_real(r->leave));
	}
	if (seeds && !isnan(c->sd))
		json_object_set_new(o, "agrees",
			json_boolean(placement_agrees(c, r, seeds)));
	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(5));
	puts("");
	json_decref(o);
}

static int
run(const struct placement_options *o, bool json)
{
	static const struct table_column columns[] = {
		{"policy", false},
		{"owner\nns", true},
		{"ranking\nns", true},
		{"memory\nbytes", true},
		{"sd by mean\n(known)", true},
		{"max by mean\n(known)", true},
		{"\nworst", true},
		{"moved by a\njoin, % (known)", true},
		{"moved by a\nleave, % (known)", true},
		{"\nagrees", false},
	};
	struct table *t =
		table_new(columns, sizeof(columns) / sizeof(columns[0]));
	unsigned compare = is_reference(o) ? o->seeds : 0;
	struct buf text = {0};
	int status = 0;

	for (size_t i = 0; i < nplacement_cases; i++) {
		const struct placement_case *c = &placement_cases[i];
		struct placement_result r;

		placement_measure(o, c, &r);
		if (compare && !placement_agrees(c, &r, o->seeds))
			status = 1;
		if (json)
			print_json(c, &r, compare);
		else
			add_row(t, c, &r, compare);
	}
	if (!json) {
		table_write(t, false, &text);
		printf("%u keys on %u nodes, %u times\n\n%.*s", o->keys,
			o->nodes, o->seeds, STR_ARG(buf_view(&text)));
	}
	buf_fini(&text);
	table_free(t);
	return status;
}

int
bench_placement(int argc, char **argv)
{
	static const struct option options[] = {
		{"keys", required_argument, NULL, 'k'},
		{"nodes", required_argument, NULL, 'n'},
		{"seeds", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct placement_options o = {200000, 16, 10};
	bool json = false, fine = true;
	int c;

	while (fine && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'k':
			fine = read_number(optarg, 1000, 10000000, &o.keys);
			break;
		case 'n':
			fine = read_number(
				optarg, 2, VIEW_MAX_NODES - 1, &o.nodes);
			break;
		case 's': fine = read_number(optarg, 1, 1000, &o.seeds); break;
		case 'j': json = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fine = false;
		}
	if (!fine || optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	return run(&o, json);
}
