#pragma once
/*
 * From one word of a configuration to one value. Each reader says true and
 * stores the value, or reports what is wrong with the word, where it stands,
 * and leaves *out as it was. Each writer appends what its reader would read.
 */
#include "conf/mistake.h"

struct arg {
	struct position at;
	struct str text; /* borrowed: the configuration's text */
};

/* The word that stands for "none", where there may be none. */
static inline bool
is_off(struct arg a)
{
	return str_eq(a.text, STR("off"));
}

/* The index of the nearest name that is near enough for a "did you mean", or
 * -1. */
int nearest_name(struct str word, const char *const *names, size_t n);

bool read_addr(struct conf_errors *e, struct arg a, struct in_addr *out);
bool read_addr6(struct conf_errors *e, struct arg a, struct in6_addr *out);
/* ADDRESS:PORT */
bool read_addr_port(struct conf_errors *e, struct arg a, struct in_addr *addr,
	uint16_t *port);
/* ADDRESS/BITS, host bits zero */
bool read_prefix(struct conf_errors *e, struct arg a, struct conf_prefix *out);
bool read_port(struct conf_errors *e, struct arg a, uint16_t *out);
/* A name of a cluster or a node; the caller owns *out. */
bool read_name(struct conf_errors *e, struct arg a, char **out);
/* A site's host, "*" included; the caller owns *out, in lower case. */
bool read_host(struct conf_errors *e, struct arg a, char **out);
/* http://HOST[:PORT]; the caller owns *host. */
bool
read_origin(struct conf_errors *e, struct arg a, char **host, uint16_t *port);
/* The path of a URL, perhaps with a query; the caller owns *out. */
bool read_path(struct conf_errors *e, struct arg a, char **out);
/* A file by its whole path; the caller owns *out. */
bool read_file(struct conf_errors *e, struct arg a, char **out);
/* A network interface of Linux; the caller owns *out. */
bool read_interface(struct conf_errors *e, struct arg a, char **out);
/* 1K to 1024T */
bool read_size(struct conf_errors *e, struct arg a, uint64_t *bytes);
/* 1ms to 24h */
bool read_duration(struct conf_errors *e, struct arg a, uint64_t *ns);
/* A whole number, 1 to most; what says what it counts. */
bool read_count(struct conf_errors *e, struct arg a, const char *what,
	unsigned most, unsigned *out);
/* `weight N`, or nothing (1), at the end of a statement; after: what it
 * follows. */
bool read_weight(struct conf_errors *e, const struct arg *args, size_t nargs,
	const char *after, unsigned *weight);
/* One of the names: its index. what says what they name. */
bool read_choice(struct conf_errors *e, struct arg a, const char *what,
	const char *const *names, size_t n, unsigned *out);

void write_addr(struct buf *b, struct in_addr addr);
void write_size(struct buf *b, uint64_t bytes);
void write_duration(struct buf *b, uint64_t ns);
