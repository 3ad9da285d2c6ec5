/* sevenfold status: asks a running node or balancer how things are. */
#include "prog/verb.h"

#include "base/buf.h"
#include "prog/ask.h"
#include "prog/status_text.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

static int
usage(FILE *out, int status)
{
	fputs("usage: sevenfold status [--socket PATH] [--json]\n"
	      "\n"
	      "Asks a running node or balancer how things are.\n"
	      "\n" ASK_SOCKET_HELP "  --json         all of it, as JSON\n",
		out);
	return status;
}

/* As text; an answer that only says what it did not like is an error. */
static int
print_text(const json_t *doc)
{
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	struct buf text = {0};
	int r = status_text(doc, colour, &text);
	const char *error = json_string_value(json_object_get(doc, "error"));

	if (r < 0 && error)
		fprintf(stderr, "sevenfold: the answer is: %s\n", error);
	else if (r < 0)
		fputs("sevenfold: the answer is of another version; see it "
		      "with --json\n",
			stderr);
	else
		fwrite(buf_head(&text), 1, buf_len(&text), stdout);
	buf_fini(&text);
	return r;
}

int
verb_status(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *path = NULL;
	bool as_json = false;
	json_t *doc;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's': path = optarg; break;
		case 'j': as_json = true; break;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind < argc)
		return usage(stderr, 2);
	doc = ask(path, "status\n", 5);
	if (!doc)
		return 1;
	r = as_json ? ask_print(doc) : print_text(doc);
	json_decref(doc);
	return r < 0 || fflush(stdout) ? 1 : 0;
}
