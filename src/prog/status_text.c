/* A status document as text: see status_text.h. */
#include "prog/status_text.h"

#include "admin/human.h"
#include "admin/table.h"

#include <errno.h>

/* Leaves a row 100 columns when all other cells are as wide as can be. */
#define NAME_WIDTH 16

static const char *
get_z(const json_t *o, const char *name)
{
	const char *z = json_string_value(json_object_get(o, name));

	return z ? z : "-";
}

static uint64_t
get_u64(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v > 0 ? (uint64_t)v : 0;
}

static size_t
count_up(const json_t *nodes)
{
	const json_t *node;
	size_t i, up = 0;

	json_array_foreach(nodes, i, node) up +=
		json_is_true(json_object_get(node, "up"));
	return up;
}

static void
write_nodes_up(const json_t *nodes, struct buf *out)
{
	size_t n = json_array_size(nodes), up = count_up(nodes);

	buf_printf(out, ", %zu node%s", n, n == 1 ? "" : "s");
	if (up == n)
		buf_z(out, n == 1 ? ", up" : ", all up");
	else
		buf_printf(out, ", %zu up, %zu down", up, n - up);
}

static void
name_and_state(struct table *t, const json_t *node)
{
	const char *name = get_z(node, "name");

	if (strlen(name) <= NAME_WIDTH)
		table_cell(t, TABLE_PLAIN, "%s", name);
	else
		table_cell(t, TABLE_PLAIN, "%.*s~", NAME_WIDTH - 1, name);
	if (json_is_true(json_object_get(node, "up")))
		table_cell(t, TABLE_GOOD, "up");
	else
		table_cell(t, TABLE_BAD, "down");
}

/* The sum of a counter over all nodes that gave theirs. */
static uint64_t
sum(const json_t *nodes, const char *name)
{
	const json_t *node;
	uint64_t total = 0;
	size_t i;

	json_array_foreach(nodes, i, node) total +=
		get_u64(json_object_get(node, "counters"), name);
	return total;
}

struct counts {
	uint64_t requests, local, relayed, served, saved, objects, cache_bytes,
		client_bytes, peer_bytes, origin_bytes;
};

static void
count_cells(struct table *t, const struct counts *c)
{
	table_cell(t, TABLE_PLAIN, "%s", human_count(c->requests).z);
	table_cell(t, TABLE_PLAIN, "%s", human_share(c->local, c->requests).z);
	table_cell(t, TABLE_PLAIN, "%s", human_count(c->relayed).z);
	table_cell(t, TABLE_PLAIN, "%s", human_share(c->saved, c->served).z);
	table_cell(t, TABLE_PLAIN, "%s", human_count(c->objects).z);
	table_cell(t, TABLE_PLAIN, "%s", human_bytes(c->cache_bytes).z);
	table_cell(t, TABLE_PLAIN, "%s", human_bytes(c->client_bytes).z);
	table_cell(t, TABLE_PLAIN, "%s", human_bytes(c->peer_bytes).z);
	table_cell(t, TABLE_PLAIN, "%s", human_bytes(c->origin_bytes).z);
}

/* Of one node's counters, or summed over an array of nodes. */
static struct counts
counts_of(const json_t *o, uint64_t (*get)(const json_t *, const char *))
{
	return (struct counts){
		.requests = get(o, "requests"),
		.local = get(o, "local"),
		.relayed = get(o, "relayed"),
		.served = get(o, "served"),
		.saved = get(o, "hits") + get(o, "coalesced"),
		.objects = get(o, "objects"),
		.cache_bytes = get(o, "cache_bytes"),
		.client_bytes = get(o, "client_bytes"),
		.peer_bytes = get(o, "peer_bytes"),
		.origin_bytes = get(o, "origin_bytes"),
	};
}

static void
cluster_table(const json_t *nodes, bool colour, struct buf *out)
{
	static const struct table_column columns[] = {
		{"node", false},
		{"state", false},
		{"requests", true},
		{"local", true},
		{"relayed", true},
		{"hit", true},
		{"objects", true},
		{"cached", true},
		{"to\nclients", true},
		{"to\npeers", true},
		{"from\norigin", true},
	};
	struct table *t =
		table_new(columns, sizeof(columns) / sizeof(columns[0]));
	struct counts total = counts_of(nodes, sum);
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		const json_t *counters = json_object_get(node, "counters");
		struct counts c = counts_of(counters, get_u64);

		name_and_state(t, node);
		if (counters)
			count_cells(t, &c);
		else
			table_skip(t);
	}
	table_rule(t);
	table_cell(t, TABLE_PLAIN, "total");
	table_cell(t, TABLE_PLAIN, "%zu up", count_up(nodes));
	count_cells(t, &total);
	table_write(t, colour, out);
	table_free(t);
}

/* Answers that went wrong, of the nodes that had any. */
static void
write_errors(const json_t *nodes, struct buf *out)
{
	const char *before = "\nerrors: ";
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		uint64_t errors =
			get_u64(json_object_get(node, "counters"), "errors");

		if (errors == 0)
			continue;
		buf_printf(out, "%s%s %s", before, get_z(node, "name"),
			human_count(errors).z);
		before = ", ";
	}
	if (*before == ',')
		buf_z(out, "\n");
}

/* Of the answers that could have come from their owners directly: how many did,
 * and why others did not. */
static void
write_moves(const json_t *nodes, struct buf *out)
{
	uint64_t given = sum(nodes, "given");
	json_t *total = json_object();
	const json_t *node, *n;
	const char *name, *before = "; stayed: ";
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		json_t *stayed = json_object_get(
			json_object_get(node, "handoff"), "stayed");

		json_object_foreach(stayed, name, n)
			json_object_set_new(total, name,
				json_integer(json_integer_value(n) +
					json_integer_value(
						json_object_get(total, name))));
	}
	if (json_object_size(total))
		buf_printf(
			out, "\nconnections moved: %s", human_count(given).z);
	json_object_foreach(total, name, n)
	{
		if (json_integer_value(n) <= 0)
			continue;
		buf_printf(out, "%s%s %s", before, name,
			human_count((uint64_t)json_integer_value(n)).z);
		before = ", ";
	}
	if (json_object_size(total))
		buf_z(out, "\n");
	json_decref(total);
}

/* Origins that a node does without, and why. */
static void
write_origins_lost(const json_t *nodes, struct buf *out)
{
	const char *before = "\norigins lost: ";
	const json_t *node, *o;
	size_t i, j;

	json_array_foreach(nodes, i, node)
	{
		json_array_foreach(json_object_get(node, "origins_lost"), j, o)
		{
			buf_printf(out, "%s%s of %s is %s for %s", before,
				get_z(o, "origin"), get_z(o, "site"),
				get_z(o, "state"), get_z(node, "name"));
			before = ", ";
		}
	}
	if (*before == ',')
		buf_z(out, "\n");
}

static void
node_text(const json_t *doc, bool colour, struct buf *out)
{
	const json_t *nodes = json_object_get(doc, "nodes");
	double uptime_s = json_number_value(json_object_get(doc, "uptime_s"));

	buf_printf(out, "cluster %s: vip %s, policy %s, view %s",
		get_z(doc, "cluster"), get_z(doc, "vip"), get_z(doc, "policy"),
		get_z(doc, "view"));
	write_nodes_up(nodes, out);
	buf_printf(out, "\nsays node %s, up for %s\n\n", get_z(doc, "name"),
		human_duration(uptime_s).z);
	cluster_table(nodes, colour, out);
	write_moves(nodes, out);
	write_errors(nodes, out);
	write_origins_lost(nodes, out);
}

static void
targets_table(const json_t *nodes, bool colour, struct buf *out)
{
	static const struct table_column columns[] = {
		{"node", false},
		{"state", false},
		{"address", false},
		{"MAC address", false},
		{"connections", true},
		{"packets", true},
		{"bytes", true},
	};
	static const char *const names[] = {"connections", "packets"};
	struct table *t =
		table_new(columns, sizeof(columns) / sizeof(columns[0]));
	uint64_t total[2] = {0}, total_bytes = 0;
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		uint64_t bytes = get_u64(node, "bytes");

		name_and_state(t, node);
		table_cell(t, TABLE_PLAIN, "%s", get_z(node, "address"));
		table_cell(t, TABLE_PLAIN, "%s", get_z(node, "mac"));
		for (int j = 0; j < 2; j++) {
			uint64_t n = get_u64(node, names[j]);

			table_cell(t, TABLE_PLAIN, "%s", human_count(n).z);
			total[j] += n;
		}
		table_cell(t, TABLE_PLAIN, "%s", human_bytes(bytes).z);
		total_bytes += bytes;
	}
	table_rule(t);
	table_cell(t, TABLE_PLAIN, "total");
	table_cell(t, TABLE_PLAIN, "%zu up", count_up(nodes));
	table_cell(t, TABLE_PLAIN, "%s", "");
	table_cell(t, TABLE_PLAIN, "%s", "");
	for (int j = 0; j < 2; j++)
		table_cell(t, TABLE_PLAIN, "%s", human_count(total[j]).z);
	table_cell(t, TABLE_PLAIN, "%s", human_bytes(total_bytes).z);
	table_write(t, colour, out);
	table_free(t);
}

/* What became of the packets, for each verdict there was. */
static void
verdicts_table(const json_t *verdicts, bool colour, struct buf *out)
{
	static const struct table_column columns[] = {
		{"verdict", false},
		{"packets", true},
	};
	struct table *t = table_new(columns, 2);
	/* jansson's iterators want it writable, and leave it alone */
	json_t *v = (json_t *)(uintptr_t)verdicts;

	for (void *it = json_object_iter(v); it;
		it = json_object_iter_next(v, it)) {
		const char *name = json_object_iter_key(it);
		uint64_t n = get_u64(verdicts, name);

		if (n == 0)
			continue;
		table_cell(t, TABLE_PLAIN, "%s", name);
		table_cell(t, TABLE_PLAIN, "%s", human_count(n).z);
	}
	buf_z(out, "\n");
	table_write(t, colour, out);
	table_free(t);
}

static void
balancer_text(const json_t *doc, bool colour, struct buf *out)
{
	const json_t *nodes = json_object_get(doc, "nodes");
	const json_t *flows = json_object_get(doc, "flows");
	double uptime_s = json_number_value(json_object_get(doc, "uptime_s"));

	buf_printf(out, "balancer: vip %s on %s, xdp %s", get_z(doc, "vip"),
		get_z(doc, "interface"), get_z(doc, "xdp"));
	write_nodes_up(nodes, out);
	buf_printf(out, "\nup for %s", human_duration(uptime_s).z);
	if (flows)
		buf_printf(out, ", %s flows in a table for %s",
			human_count(get_u64(flows, "used")).z,
			human_count(get_u64(flows, "room")).z);
	buf_z(out, "\n\n");
	targets_table(nodes, colour, out);
	verdicts_table(json_object_get(doc, "verdicts"), colour, out);
}

int
status_text(const json_t *doc, bool colour, struct buf *out)
{
	const char *role = get_z(doc, "role");

	if (!json_is_array(json_object_get(doc, "nodes")))
		return -EINVAL;
	if (!strcmp(role, "node"))
		node_text(doc, colour, out);
	else if (!strcmp(role, "balancer"))
		balancer_text(doc, colour, out);
	else
		return -EINVAL;
	return 0;
}
