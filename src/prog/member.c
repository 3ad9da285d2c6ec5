/* sevenfold drain, join, leave, weight: who owns URLs. Whichever node is asked
 * tells the others. */
#include "prog/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "prog/ask.h"

enum {
	PATIENCE_S = 5,
	LOOK_MS = 200,
	DOWN_LOOKS =
		10, /* in a row: one that is busy may be late with a word */
};

struct options {
	const char *socket; /* NULL: the one that is found */
	bool undo, no_wait;
	char **words;
	int nwords;
};

static const char drain_usage[] =
	"usage: sevenfold drain [--socket PATH] [--no-wait] NODE\n"
	"       sevenfold drain [--socket PATH] --undo NODE\n"
	"\n"
	"Has a node hand over what it owns, and waits until it has.\n"
	"\n" ASK_SOCKET_HELP "  --no-wait      don't wait\n"
	"  --undo         it owns its share again\n";
static const char join_usage[] =
	"usage: sevenfold join [--socket PATH] NODE ADDRESS [WEIGHT]\n"
	"\n"
	"Takes a node into the cluster, or back into it.\n"
	"\n" ASK_SOCKET_HELP;
static const char leave_usage[] =
	"usage: sevenfold leave [--socket PATH] NODE\n"
	"\n"
	"Takes a node out of the cluster. What it has is not handed over:\n"
	"drain it first.\n"
	"\n" ASK_SOCKET_HELP;
static const char weight_usage[] =
	"usage: sevenfold weight [--socket PATH] NODE WEIGHT\n"
	"\n"
	"Gives a node another share of the URLs: twice that of one of\n"
	"weight 1 with weight 2.\n"
	"\n" ASK_SOCKET_HELP;

/* -1, or the status to end with. */
static int
parse(int argc, char **argv, const char *usage, int least, int most,
	struct options *o)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"undo", no_argument, NULL, 'u'},
		{"no-wait", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool fine = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 's': o->socket = optarg; break;
		case 'u': o->undo = true; break;
		case 'n': o->no_wait = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	o->words = argv + optind;
	o->nwords = argc - optind;
	for (int i = 0; i < o->nwords; i++)
		if (strpbrk(o->words[i], " \n") || !*o->words[i])
			fine = false;
	if (!fine || o->nwords < least || o->nwords > most ||
		((o->undo || o->no_wait) && usage != drain_usage)) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

/* 0 when it was done. */
static int
wish(const struct options *o, const char *what)
{
	struct buf line = {0};
	const char *error;
	json_t *doc;
	int r;

	buf_printf(&line, "member %s", what);
	for (int i = 0; i < o->nwords; i++)
		buf_printf(&line, " %s", o->words[i]);
	buf_append(&line, "\n", 2);
	doc = ask(o->socket, buf_head(&line), PATIENCE_S);
	buf_fini(&line);
	if (!doc)
		return 1;
	error = json_string_value(json_object_get(doc, "error"));
	if (error)
		fprintf(stderr, "sevenfold: %s: %s\n", o->words[0], error);
	r = error ? 1 : 0;
	json_decref(doc);
	return r;
}

static const json_t *
find_node(const json_t *doc, const char *name)
{
	const json_t *node;
	size_t i;

	json_array_foreach(json_object_get(doc, "nodes"), i, node)
	{
		const char *z =
			json_string_value(json_object_get(node, "name"));

		if (z && !strcmp(z, name))
			return node;
	}
	return NULL;
}

enum drained { DRAIN_GOES_ON, DRAIN_DONE, DRAIN_DOWN };

static enum drained
look(const json_t *doc, const char *name, bool show)
{
	const json_t *node = find_node(doc, name);
	const json_t *over = json_object_get(node, "handed_over");

	if (!json_is_true(json_object_get(node, "up")))
		return DRAIN_DOWN;
	if (over && show)
		fprintf(stderr, "\rhanded over: %lld ",
			(long long)json_integer_value(
				json_object_get(over, "objects")));
	return json_is_true(json_object_get(over, "done")) ? DRAIN_DONE
							   : DRAIN_GOES_ON;
}

static int
wait_until_drained(const struct options *o)
{
	bool show = isatty(STDERR_FILENO);
	enum drained state = DRAIN_GOES_ON;
	unsigned down = 0;

	while (state != DRAIN_DONE && down < DOWN_LOOKS) {
		json_t *doc = ask(o->socket, "status\n", PATIENCE_S);

		if (!doc)
			return 1;
		state = look(doc, o->words[0], show);
		json_decref(doc);
		down = state == DRAIN_DOWN ? down + 1 : 0;
		if (state != DRAIN_DONE)
			usleep(LOOK_MS * 1000);
	}
	if (show)
		fputs("\n", stderr);
	if (state == DRAIN_DOWN) {
		fprintf(stderr,
			"sevenfold: %s is down: it owns nothing any more, and "
			"has handed over nothing\n",
			o->words[0]);
		return 1;
	}
	printf("%s is drained: what it had is with the new owners\n",
		o->words[0]);
	return 0;
}

int
verb_drain(int argc, char **argv)
{
	struct options o = {0};
	int status = parse(argc, argv, drain_usage, 1, 1, &o);

	if (status >= 0)
		return status;
	status = wish(&o, o.undo ? "restore" : "drain");
	if (status == 0 && !o.undo && !o.no_wait)
		status = wait_until_drained(&o);
	return status;
}

static int
simple(int argc, char **argv, const char *usage, int least, int most,
	const char *what)
{
	struct options o = {0};
	int status = parse(argc, argv, usage, least, most, &o);

	return status >= 0 ? status : wish(&o, what);
}

int
verb_join(int argc, char **argv)
{
	return simple(argc, argv, join_usage, 2, 3, "join");
}

int
verb_leave(int argc, char **argv)
{
	return simple(argc, argv, leave_usage, 1, 1, "leave");
}

int
verb_weight(int argc, char **argv)
{
	return simple(argc, argv, weight_usage, 2, 2, "weight");
}
