#pragma once
/*
 * The program's verbs: `sevenfold VERB ARGS...`. Each has a file prog/VERB.c
 * (drain, join, leave and weight are in member.c) with one function, which is
 * given its own argv (argv[0] is the verb) and returns the exit status: 0 done;
 * 1 failed, or not as it should be; 2 wrong usage. A verb prints its usage
 * itself: to stderr, or with --help to stdout.
 */
#define VERB(name, help) int verb_##name(int argc, char **argv);
#include "prog/verbs.def"
#undef VERB
