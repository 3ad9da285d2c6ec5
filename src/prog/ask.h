#pragma once
/*
 * Asking a running node or balancer, for verbs: what goes wrong is said on
 * stderr.
 */
#include <jansson.h>

/* For a verb's help. */
#define ASK_SOCKET_HELP                                                     \
	"  --socket PATH  whom to ask (the only socket in /run/sevenfold, " \
	"or\n"                                                              \
	"                 the first node's; the lab's if there is none)\n"

/* path: the socket; NULL: the one that is found. line has its newline. NULL
 * after saying why there is no answer in that time; the caller's to free. */
json_t *ask(const char *path, const char *line, unsigned timeout_s);

/* Prints the document, indented. Negative when that failed. */
int ask_print(const json_t *doc);
