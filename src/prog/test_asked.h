#pragma once
/* For tests: a verb, run against a node that gives one answer, or several. */
#include "admin/test_server.h"
#include "prog/test_verb.h"

typedef int verb_fn(int argc, char **argv);

struct asked {
	struct said said;
	char line[256]; /* that the node got */
};

/* "sevenfold VERB --socket PATH ARGS...", up to five of them. later: see
 * test_server.h. */
static inline struct asked
ask_in_turn(verb_fn *verb, const char *answer, const char *const *later,
	const char *const args[])
{
	struct test_server s;
	char *argv[9] = {"verb", "--socket", s.path};
	int argc = 3;
	struct asked r;

	while (args[argc - 3]) {
		argv[argc] = (char *)args[argc - 3];
		argc++;
	}
	test_server_start_with(&s, "n1.sock", answer, later);
	r.said = run_verb(verb, argc, argv);
	test_server_stop(&s);
	test_server_remove(&s);
	memcpy(r.line, s.asked, sizeof(r.line));
	return r;
}

static inline struct asked
ask_for(verb_fn *verb, const char *answer, const char *const args[])
{
	return ask_in_turn(verb, answer, NULL, args);
}
