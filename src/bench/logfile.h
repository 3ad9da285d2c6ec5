#pragma once
/*
 * struct logfile: a text file to read that may be packed. Names that end in
 * .gz or .xz are unpacked by gzip or xz; "-" is standard input.
 */
#include <stdio.h>
#include <sys/types.h>

struct logfile {
	FILE *f;   /* owned, to be read by the caller */
	pid_t pid; /* the unpacker, or 0 */
};

/* 0 or negative errno. */
int logfile_open(const char *path, struct logfile *out);
/* -EIO when the unpacker failed: what was read is not the whole file. */
int logfile_close(struct logfile *l);
