#pragma once
/*
 * A process that can do nothing any more but compute, and read and write what
 * it has open: no file can be opened, no socket made, no program run, no other
 * process reached. Needs no rights.
 */
#include <stddef.h>

struct sandbox {
	size_t memory_bytes; /* of address space; not under sanitizers */
	unsigned files;	     /* the most descriptors it may hold */
};

/* 0 or negative errno. What is forbidden kills the process from now on, but
 * for a few calls that libraries make and do without: these fail. */
int sandbox_enter(const struct sandbox *s);
