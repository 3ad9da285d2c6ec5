/* sevenfold status: asks a running node or balancer how things are. */
#include "prog/verb.h"

#include "admin/call.h"
#include "base/own.h"
#include "prog/status_text.h"

#include <errno.h>
#include <getopt.h>

static int
usage(FILE *out, int status)
{
	fputs("usage: sevenfold status [--socket PATH] [--json]\n", out);
	return status;
}

/* The socket to ask when none is named; NULL after saying why not. */
static char *
find_socket(void)
{
	static const char *const dirs[] = {ADMIN_DIR, ADMIN_DIR "/lab"};
	char *path = NULL;
	int n = -ENOENT;

	for (size_t i = 0; i < 2 && n == -ENOENT; i++)
		n = admin_find(dirs[i], &path);
	if (n == -ENOENT)
		fputs("sevenfold: nothing is running here: no socket in "
		      "" ADMIN_DIR "; name one with --socket PATH\n",
			stderr);
	else if (n < 0)
		fprintf(stderr, "sevenfold: can't read %s: %s\n", ADMIN_DIR,
			strerror(-n));
	else if (n > 1)
		fprintf(stderr,
			"sevenfold: of %d sockets, asking %s; name another "
			"with --socket PATH\n",
			n, path);
	return path;
}

/* What is said at path, as JSON; NULL after saying why not. */
static json_t *
ask(const char *path)
{
	struct buf answer = {0};
	json_error_t error;
	json_t *doc = NULL;
	int r = admin_call(path, "status\n", &answer);

	if (r < 0) {
		fprintf(stderr, "sevenfold: can't ask %s: %s\n", path,
			r == -ECONNREFUSED ? "nobody listens there any more"
					   : strerror(-r));
	} else {
		doc = json_loadb(buf_head(&answer) ? buf_head(&answer) : "",
			buf_len(&answer), 0, &error);
		if (!doc)
			fprintf(stderr,
				"sevenfold: %s did not answer in JSON: %s\n",
				path, error.text);
	}
	buf_fini(&answer);
	return doc;
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

static int
print_json(const json_t *doc)
{
	int r = json_dumpf(doc, stdout, JSON_INDENT(2));

	puts("");
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
	own_free char *found = NULL;
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
	if (!path) {
		found = find_socket();
		path = found;
	}
	doc = path ? ask(path) : NULL;
	if (!doc)
		return 1;
	r = as_json ? print_json(doc) : print_text(doc);
	json_decref(doc);
	return r < 0 || fflush(stdout) ? 1 : 0;
}
