#pragma once
/*
 * Replay of a log: its requests, in order, over K connections, with every
 * answer checked against the catalog (bench/catalog.h).
 */
#include "bench/load.h"

#include <stdio.h>

struct catalog;

struct replay {
	struct in_addr addr;
	uint16_t port;
	struct str host;
	unsigned connections;
	unsigned per_connection; /* 0: no limit; 1: one request each */
	uint64_t limit;		 /* requests; 0: all */
	bool progress;
};

enum { REPLAY_EXAMPLES = 5 };

struct replay_example {
	uint32_t object;
	enum load_outcome outcome;
	unsigned status; /* answered; 0 if none */
	uint64_t body;	 /* bytes that came */
};

struct replay_result {
	struct load_result load;
	uint64_t targets;     /* distinct ones asked for */
	uint64_t cache_hits;  /* answers whose Cache-Status says hit */
	struct replay_example examples[REPLAY_EXAMPLES]; /* the first wrong */
	size_t nexamples;
};

/* A log that may be packed: .gz and .xz go through gzip and xz, "-" is
 * standard input. NULL and errno; to be closed with replay_close_log(), which
 * is 0 or the negative errno of an unpacker that failed. */
struct replay_log;
struct replay_log *replay_open_log(const char *path);
FILE *replay_log_file(struct replay_log *log);
int replay_close_log(struct replay_log *log);

int replay_run(const struct replay *r, const struct catalog *c,
	struct replay_result *out);
