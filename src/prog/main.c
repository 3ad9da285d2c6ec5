#include "prog/verb.h"

#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
#define VERB(name, help) {#name, help, verb_##name},
#include "prog/verbs.def"
#undef VERB
	{NULL, NULL, NULL},
};

static void
print_help(FILE *out)
{
	fputs("usage: sevenfold VERB [ARGUMENTS]\n\n", out);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(out, "  %-10s %s\n", v->name, v->help);
	fputs("  help       this text\n  version    the version\n", out);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
		!strcmp(argv[1], "-h")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
		puts("sevenfold " SEVENFOLD_VERSION);
		return 0;
	}
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(argv[1], v->name))
			return v->run(argc - 1, argv + 1);
	fprintf(stderr, "sevenfold: no verb '%s'; see 'sevenfold help'\n",
		argv[1]);
	return 2;
}
