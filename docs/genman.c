/*
 * Writes sevenfold.conf(5): copies its template (the argument) to standard
 * output, with each line "@PARAMS block@" replaced by that block's rows of
 * params.def.
 */
#include "base/own.h"
#include "conf/param.h"

/* mdoc wants each sentence to begin a line. */
static void
put_sentences(const char *z)
{
	for (; *z; z++)
		if (z[0] == '.' && z[1] == ' ') {
			puts(".");
			z++;
		} else {
			putchar(*z);
		}
	puts("");
}

static void
put_default(const struct param *p)
{
	if (p->preset == PARAM_REQUIRED)
		puts("There is no default.");
	else if (p->preset != PARAM_OPTIONAL)
		printf("The default is\n.Cm %s .\n", p->preset);
}

static void
put_params(enum block_id block)
{
	puts(".Bl -tag -width Ds");
	for (const struct param *p = params; p < params + PARAMS; p++) {
		if (p->block != block)
			continue;
		printf(".It Ic %s Ar %s\n", p->name, p->kind->form);
		put_sentences(p->doc);
		if (p->kind->repeats)
			puts("Repeatable.");
		put_default(p);
	}
	puts(".El");
}

/* Whether line asked for the parameters of a block, which are then written. */
static bool
expand(const char *line)
{
	char name[16];

	if (sscanf(line, "@PARAMS %15[a-z]@", name) != 1)
		return false;
	for (int i = 0; i < BLOCKS; i++)
		if (!strcmp(name, blocks[i].name)) {
			put_params((enum block_id)i);
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	own_file FILE *template = argc == 2 ? fopen(argv[1], "re") : NULL;
	own_free char *line = NULL;
	size_t cap = 0;

	if (!template) {
		fputs("usage: genman TEMPLATE\n", stderr);
		return 2;
	}
	while (getline(&line, &cap, template) >= 0)
		if (!expand(line))
			fputs(line, stdout);
	return ferror(template) || fflush(stdout) ? 1 : 0;
}
