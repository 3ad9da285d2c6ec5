/* sevenfold vs: hands its arguments to a running balancer, which does what
 * they say (l4/vs.h), and prints what it answers. */
#include "prog/verb.h"

#include "base/buf.h"
#include "base/own.h"
#include "l4/vs.h"
#include "prog/ask.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SOCKET "/run/sevenfold/balancer.sock"
#define LAB_SOCKET "/run/sevenfold/lab/balancer.sock"

static void
read_input(struct buf *b)
{
	char *at = buf_reserve(b, 65536);
	size_t n;

	while ((n = fread(at, 1, 65536, stdin)) > 0) {
		buf_commit(b, n);
		at = buf_reserve(b, 65536);
	}
}

/* NULL: what is not UTF-8 is no text in JSON. */
static json_t *
question(int argc, char **argv)
{
	json_t *args = json_array(), *o = json_pack("{so}", "args", args);
	struct buf input = {0};
	int r = 0;

	for (int i = 1; i < argc; i++)
		r |= json_array_append_new(args, json_string(argv[i]));
	if (vs_wants_input(argc, argv)) {
		read_input(&input);
		r |= json_object_set_new(o, "input",
			json_stringn(buf_len(&input) ? buf_head(&input) : "",
				buf_len(&input)));
	}
	buf_fini(&input);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* The balancer's socket: $SEVENFOLD_BALANCER, or where one usually is. */
static const char *
socket_path(void)
{
	const char *path = getenv("SEVENFOLD_BALANCER");

	if (path)
		return path;
	return access(DEFAULT_SOCKET, F_OK) && !access(LAB_SOCKET, F_OK)
		? LAB_SOCKET
		: DEFAULT_SOCKET;
}

/* The exit status; 1 when there was no answer, which has been said. */
static int
print_answer(const json_t *doc)
{
	const json_t *status = json_object_get(doc, "status");
	const char *out = json_string_value(json_object_get(doc, "out"));
	const char *err = json_string_value(json_object_get(doc, "err"));
	const char *wrong = json_string_value(json_object_get(doc, "error"));

	if (wrong)
		fprintf(stderr, "sevenfold: the answer is: %s\n", wrong);
	if (!json_is_integer(status))
		return 1;
	fputs(out ? out : "", stdout);
	fputs(err ? err : "", stderr);
	return fflush(stdout) ? 1 : (int)json_integer_value(status);
}

int
verb_vs(int argc, char **argv)
{
	json_t *ask_for, *doc;
	own_free char *line = NULL, *text = NULL;
	int r = 1;

	/* without a balancer, too */
	if (argc == 2 &&
		(!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(vs_usage, stdout);
		return 0;
	}
	ask_for = question(argc, argv);
	if (!ask_for) {
		fputs("sevenfold: that is not UTF-8\n", stderr);
		return 2;
	}
	text = json_dumps(ask_for, JSON_COMPACT);
	json_decref(ask_for);
	if (!text || asprintf(&line, "vs %s\n", text) < 0)
		return 1;
	doc = ask(socket_path(), line, 30);
	if (doc)
		r = print_answer(doc);
	json_decref(doc);
	return r;
}
