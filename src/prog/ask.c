#include "prog/ask.h"

#include "admin/call.h"
#include "base/own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static json_t *
ask_at(const char *path, const char *line, unsigned timeout_s)
{
	struct buf answer = {0};
	json_error_t error;
	json_t *doc = NULL;
	int r = admin_call(path, line, timeout_s, &answer);

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

json_t *
ask(const char *path, const char *line, unsigned timeout_s)
{
	own_free char *found = NULL;

	if (!path) {
		found = find_socket();
		path = found;
	}
	return path ? ask_at(path, line, timeout_s) : NULL;
}

int
ask_print(const json_t *doc)
{
	int r = json_dumpf(doc, stdout, JSON_INDENT(2));

	puts("");
	return r;
}
