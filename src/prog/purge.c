/* sevenfold purge: has a node and its peers forget what they have stored. */
#include "prog/verb.h"

#include "base/buf.h"
#include "prog/ask.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Millions of responses are looked through between other work. */
enum { PATIENCE_S = 60 };

struct options {
	const char *socket; /* NULL: the one that is found */
	const char *kind;   /* as the admin socket names it; NULL: of none */
	const char *what;
	unsigned targets; /* that were named */
	bool soft, json;
};

static int
usage(FILE *out, int status)
{
	fputs("usage: sevenfold purge [--socket PATH] [--soft] [--json]\n"
	      "           URL | --prefix URL | --tag TAG\n"
	      "\n"
	      "Has all nodes forget what they have stored for a URL, for all\n"
	      "URLs that begin so, or with a tag that the origin gave it.\n"
	      "\n" ASK_SOCKET_HELP
	      "  --soft         keep it, but validate it before its next use\n"
	      "  --json         the answer as JSON\n",
		out);
	return status;
}

static void
name(struct options *o, const char *kind, const char *what)
{
	o->kind = kind;
	o->what = what;
	o->targets++;
}

/* -1, or the status to end with. */
static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"prefix", required_argument, NULL, 'p'},
		{"tag", required_argument, NULL, 't'},
		{"soft", no_argument, NULL, 'o'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 's': o->socket = optarg; break;
		case 'p': name(o, "prefix", optarg); break;
		case 't': name(o, "tag", optarg); break;
		case 'o': o->soft = true; break;
		case 'j': o->json = true; break;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	for (; optind < argc; optind++)
		name(o, "url", argv[optind]);
	if (o->targets != 1)
		return usage(stderr, 2);
	if (strchr(o->what, '\n')) {
		fputs("sevenfold: no URL or tag has more than one line\n",
			stderr);
		return 2;
	}
	return -1;
}

static json_t *
ask_to_purge(const struct options *o)
{
	struct buf line = {0};
	json_t *doc;

	buf_printf(&line, "purge %s %s %s\n", o->soft ? "soft" : "hard",
		o->kind, o->what);
	buf_append(&line, "", 1);
	doc = ask(o->socket, buf_head(&line), PATIENCE_S);
	buf_fini(&line);
	return doc;
}

static void
print_node(const json_t *node)
{
	const char *name = json_string_value(json_object_get(node, "name"));
	const char *outcome =
		json_string_value(json_object_get(node, "outcome"));

	if (!name || !outcome)
		return;
	if (!strcmp(outcome, "done"))
		printf("%s: %lld\n", name,
			(long long)json_integer_value(
				json_object_get(node, "objects")));
	else
		printf("%s: %s; it will be told when it is back\n", name,
			!strcmp(outcome, "down") ? "down" : "no answer");
}

static int
missed(const json_t *doc)
{
	return json_integer_value(json_object_get(doc, "peers_missed")) ? -1
									: 0;
}

/* 0 when all nodes have done it. */
static int
print_text(json_t *doc)
{
	json_int_t objects, peers, down;
	const json_t *node;
	size_t i;

	if (json_unpack(doc, "{s:I, s:I, s:I}", "objects", &objects, "peers",
		    &peers, "peers_missed", &down) < 0) {
		fputs("sevenfold: the answer is of another version; see it "
		      "with --json\n",
			stderr);
		return -1;
	}
	printf("purged here: %lld; other nodes told: %lld\n",
		(long long)objects, (long long)peers);
	json_array_foreach(json_object_get(doc, "nodes"), i, node)
		print_node(node);
	if (down)
		fprintf(stderr,
			"sevenfold: not done yet, as they are down: %lld\n",
			(long long)down);
	return missed(doc);
}

/* 0 when it was done. */
static int
print(json_t *doc, bool as_json)
{
	const char *error = json_string_value(json_object_get(doc, "error"));

	if (error)
		fprintf(stderr, "sevenfold: %s\n", error);
	if (as_json && ask_print(doc) < 0)
		return -1;
	if (error)
		return -1;
	return as_json ? missed(doc) : print_text(doc);
}

int
verb_purge(int argc, char **argv)
{
	struct options o = {0};
	int status = parse(argc, argv, &o);
	json_t *doc;

	if (status >= 0)
		return status;
	doc = ask_to_purge(&o);
	if (!doc)
		return 1;
	status = print(doc, o.json);
	json_decref(doc);
	return status < 0 || fflush(stdout) ? 1 : 0;
}
