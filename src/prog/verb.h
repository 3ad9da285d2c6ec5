#pragma once
/*
 * The program's verbs: `sevenfold VERB ARGS...`. Each has a file prog/VERB.c
 * with one function, given its own argv (argv[0] is the verb), which returns
 * the exit status: 0 done, 1 the thing asked about is untrue or failed,
 * 2 wrong usage. A verb prints its usage to stderr itself.
 */
#define VERB(name, help) int verb_##name(int argc, char **argv);
#include "prog/verbs.def"
#undef VERB
