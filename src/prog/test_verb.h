#pragma once
/* For tests: runs a verb as main() would, and keeps what it prints. */
#include "base/check.h"
#include "base/own.h"

#include <getopt.h>

struct said {
	int status;
	char out[8192], err[4096];
};

static inline void
read_back(FILE *f, char *z, size_t size)
{
	ssize_t n = pread(fileno(f), z, size - 1, 0);

	CHECK(n >= 0);
	z[n] = 0;
}

static inline struct said
run_verb(int (*verb)(int argc, char **argv), int argc, char **argv)
{
	own_fd int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	own_file FILE *new_out = tmpfile(), *new_err = tmpfile();
	struct said said;

	CHECK(out >= 0 && err >= 0 && new_out && new_err);
	fflush(stdout);
	dup2(fileno(new_out), STDOUT_FILENO);
	dup2(fileno(new_err), STDERR_FILENO);
	optind = 0; /* getopt begins anew */
	said.status = verb(argc, argv);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	read_back(new_out, said.out, sizeof(said.out));
	read_back(new_err, said.err, sizeof(said.err));
	return said;
}
