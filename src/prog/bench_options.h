#pragma once
/* The options that the verbs of `sevenfold bench` share: where the traffic
 * goes, how much of it, and how it is told. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct play;
struct play_result;

struct bench_options {
	const char *target, *serve, *prepare, *host,
		*format; /* borrowed: argv */
	struct in_addr addr;
	uint16_t port, listen;
	unsigned connections;
	uint64_t limit, seed, duration_ns;
	double rate;
	unsigned files, per_connection;
	/* of a crowd; bytes 0: whatever comes; flash_ns 0: none */
	uint64_t objects, bytes, flash_ns;
	double alpha;
	bool close, json;
	char **args; /* those that are no options */
	int nargs;
};

/* The paper's, for each server */
enum { BENCH_PER_SERVER = 63 };

/*
 * Reads argv into *o, which holds the defaults. allowed names the options that
 * the verb has, by their letter in bench_options.c. 0, or 2 after a message.
 */
int bench_options_read(
	struct bench_options *o, const char *allowed, int argc, char **argv);
/* A message, and 2. */
int bench_bad_usage(const char *what, const char *value);

/* What the options say of a play; its order is the caller's. */
struct play bench_play_of(const struct bench_options *o);
/* Plays and reports; or prepares an origin, or is one, if that was asked for:
 * the exit status. */
int bench_play(const struct bench_options *o, const struct play *p,
	const struct catalog *c);
/* As bench_play(), with a report of the verb's own after the general one. */
struct bench_epilogue {
	void (*text)(const struct play *p, const struct play_result *r);
	/* a name, and the object that stands for it */
	const char *name;
	struct json_t *(*json)(const struct play_result *r);
};
int bench_play_with(const struct bench_options *o, const struct play *p,
	const struct catalog *c, const struct bench_epilogue *e);
