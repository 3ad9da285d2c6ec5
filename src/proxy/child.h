#pragma once
/*
 * A process beside us that is our own program by another verb, and shares
 * nothing with us but one socket, which is its standard input.
 */
#include <sys/types.h>

/* Starts `sevenfold VERB` without arguments or environment. Our end of the
 * socket, which keeps messages apart and does not block, or negative errno. */
int child_start(const char *verb, pid_t *pid);
/* Ends it, if it has not ended, and waits. As of waitpid(2). */
int child_end(pid_t pid);
