/* sevenfold explain: where a URL is, as a running node sees it. */
#include "prog/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/human.h"
#include "admin/table.h"
#include "prog/ask.h"

enum { PATIENCE_S = 5 };

static int
usage(FILE *out, int status)
{
	fputs("usage: sevenfold explain [--socket PATH] [--json] URL\n"
	      "\n"
	      "Tells who owns a URL, where it is stored, and what a request\n"
	      "for it would do now.\n"
	      "\n" ASK_SOCKET_HELP "  --json         the answer as JSON\n",
		out);
	return status;
}

static const char *
get_z(const json_t *o, const char *name)
{
	const char *z = json_string_value(json_object_get(o, name));

	return z ? z : "-";
}

static bool
is(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

static void
role_cell(
	struct table *t, const json_t *node, json_int_t rank, json_int_t copies)
{
	if (rank == 0)
		table_cell(t, TABLE_FAINT, "no owner");
	else if (rank == 1)
		table_cell(t, TABLE_PLAIN, "1: owner");
	else if (rank <= copies)
		table_cell(
			t, TABLE_PLAIN, "%lld: holds it, too", (long long)rank);
	else
		table_cell(t, TABLE_FAINT, "%lld", (long long)rank);
	if (!is(node, "up"))
		table_cell(t, TABLE_BAD, "down");
	else
		table_cell(t, TABLE_PLAIN, "%s",
			is(node, "damped")	      ? "up, not trusted yet"
				: is(node, "ramping") ? "up, warming up"
						      : "up");
}

static void
node_row(struct table *t, const json_t *node, json_int_t copies)
{
	json_int_t rank = json_integer_value(json_object_get(node, "rank"));
	const json_t *age = json_object_get(node, "age_s");

	table_cell(t, TABLE_PLAIN, "%s", get_z(node, "name"));
	role_cell(t, node, rank, copies);
	table_cell(t, TABLE_PLAIN, "%s%s", get_z(node, "stored"),
		is(node, "private") ? ", private" : "");
	table_cell(t, TABLE_PLAIN, "%.1f",
		json_number_value(json_object_get(node, "requests_per_s")));
	if (!age) {
		table_skip(t);
		return;
	}
	table_cell(t, TABLE_PLAIN, "%lld", (long long)json_integer_value(age));
	table_cell(t, TABLE_PLAIN, "%lld",
		(long long)json_integer_value(json_object_get(node, "ttl_s")));
	table_cell(t, TABLE_PLAIN, "%s",
		human_bytes((uint64_t)json_integer_value(
				    json_object_get(node, "bytes")))
			.z);
}

static void
print_nodes(const json_t *nodes, json_int_t copies)
{
	static const struct table_column columns[] = {
		{"node", false},
		{"rank", false},
		{"state", false},
		{"stored", false},
		{"requests/s", true},
		{"age, s", true},
		{"fresh for, s", true},
		{"bytes", true},
	};
	struct table *t =
		table_new(columns, sizeof(columns) / sizeof(columns[0]));
	struct buf text = {0};
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node) node_row(t, node, copies);
	table_write(t, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), &text);
	fwrite(buf_head(&text), 1, buf_len(&text), stdout);
	buf_fini(&text);
	table_free(t);
}

static int
print_text(const json_t *doc)
{
	json_int_t copies = json_integer_value(json_object_get(doc, "copies"));
	const json_t *nodes = json_object_get(doc, "nodes");

	if (!json_is_array(nodes)) {
		fputs("sevenfold: the answer is of another version; see it "
		      "with --json\n",
			stderr);
		return -1;
	}
	printf("key     %s\n", get_z(doc, "key"));
	printf("policy  %s%s%s\n", get_z(doc, "policy"),
		json_object_get(doc, "group") ? ", in group " : "",
		json_object_get(doc, "group") ? get_z(doc, "group") : "");
	if (copies > 1)
		printf("copies  %lld: it is hot, %.1f %% of all work\n",
			(long long)copies,
			json_number_value(json_object_get(doc, "share")) * 100);
	else
		printf("copies  1: it is not hot\n");
	printf("now     a request that %s gets: %s\n\n", get_z(doc, "name"),
		get_z(doc, "now"));
	print_nodes(nodes, copies);
	return 0;
}

static int
explain(const char *socket, const char *url, bool as_json)
{
	struct buf line = {0};
	const char *error;
	json_t *doc;
	int r;

	buf_printf(&line, "explain %s\n", url);
	buf_append(&line, "", 1);
	doc = ask(socket, buf_head(&line), PATIENCE_S);
	buf_fini(&line);
	if (!doc)
		return 1;
	error = json_string_value(json_object_get(doc, "error"));
	if (error)
		fprintf(stderr, "sevenfold: %s\n", error);
	r = error ? -1 : as_json ? ask_print(doc) : print_text(doc);
	json_decref(doc);
	return r < 0 || fflush(stdout) ? 1 : 0;
}

int
verb_explain(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *socket = NULL;
	bool as_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 's': socket = optarg; break;
		case 'j': as_json = true; break;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	if (optind + 1 != argc || strchr(argv[optind], '\n'))
		return usage(stderr, 2);
	return explain(socket, argv[optind], as_json);
}
