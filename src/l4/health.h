#pragma once
/*
 * Health checks: a TCP connection to each target every interval, and, if a
 * path is given, a request for it, which is to be answered with a status of 200
 * to 399. A refusal counts when it arrives, silence after the timeout. The next
 * check begins an interval after the last began, or when that ended if it took
 * longer. fall failures in a row make a target down, rise successes make it up;
 * both are at least 1. The first result of all decides by itself.
 *
 * A silent target is thus down within (fall - 1) * max(interval, timeout) +
 * interval + timeout of its last good check.
 *
 * Owns an epoll instance: when health_fd() is readable, call health_run().
 * Not thread-safe.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The memory of one target: pure, without time or sockets. */
struct health_count {
	unsigned row; /* results in a row that speak against the state */
	bool up;
	bool seen; /* has had a result */
};

enum health_change { HEALTH_SAME, HEALTH_UP, HEALTH_DOWN };

enum health_change
health_count_add(struct health_count *c, bool ok, unsigned fall, unsigned rise);

/* After each check. err is 0, or a positive errno: ECONNREFUSED, ETIMEDOUT,
 * EHOSTUNREACH..., ECONNABORTED after health_suspect(), or HEALTH_STATUS + the
 * status that was not good. */
#define HEALTH_STATUS 100000
typedef void (*health_fn)(
	void *ctx, size_t target, int err, enum health_change change);

struct health_config {
	uint64_t interval_ns;
	uint64_t timeout_ns;
	unsigned fall, rise;
	const char *path,
		*host; /* borrowed; path NULL: the connection will do */
	health_fn on_check;
	void *ctx; /* borrowed */
};

struct health;

/* The first checks begin with the first health_run(). */
int health_open(const struct health_config *config,
	const struct sockaddr_in *targets, size_t n, struct health **out);
/* One target more, the last. Not from within on_check(). */
void health_add(struct health *h, const struct sockaddr_in *target);
void health_close(struct health *h); /* NULL is fine */
int health_fd(const struct health *h);
/* Does what is due. Never blocks. */
void health_run(struct health *h);
/* Something else says that the target does not answer: that is as good as a
 * failed check, and the next one begins with the next health_run(). */
void health_suspect(struct health *h, size_t target);
bool health_up(const struct health *h, size_t target);
/* In words, until the next call. */
const char *health_reason(int err);
