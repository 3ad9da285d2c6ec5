#pragma once
/*
 * An HTTP/1.1 load client: K connections to one address, each with one request
 * under way. What is asked, and what must be answered, comes from a generator;
 * every status, length and body byte is verified as it streams in, and nothing
 * is stored. One thread; load_run() returns when the generator has no more, or
 * the time is up, and all that was under way has ended.
 *
 * Closed loop (rate 0): a connection asks again as soon as it has its answer,
 * or after the time that the generator says its user thinks.
 *
 * Open loop (rate > 0): requests are due at a constant rate, whatever becomes
 * of those before, and the latency of each is counted from when it was due. A
 * request that has to wait for a free connection waits in the latency, not
 * outside of it ("coordinated omission": G. Tene, How NOT to Measure Latency,
 * 2013). What was due by the end and never had a connection is told as unsent.
 *
 * A request that fails is not sent again: a benchmark that repairs what it
 * measures would hide it. After a failure the connection is opened anew, and
 * after a failed connect with a short pause.
 */
#include "bench/hist.h"
#include "http/head.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum load_outcome {
#define LOAD_OUTCOME(id, text) LOAD_##id,
#include "bench/load_outcome.def"
#undef LOAD_OUTCOME
	LOAD_OUTCOMES
};

/* load_request.bytes: a body of any length is right */
#define LOAD_ANY_BYTES UINT64_MAX

/* Do these body bytes, from offset on, belong to the object? */
typedef bool
load_verify_fn(const void *object, uint64_t offset, struct str bytes);

/* Slices and object are borrowed until the request is over. */
struct load_request {
	unsigned client; /* told to next(): the connection's number, from 0 */
	enum method method; /* GET, HEAD or POST (without a body) */
	struct str host;
	struct str target;
	unsigned status;	/* expected; 0: any */
	uint64_t bytes;		/* expected body, or Content-Length for HEAD */
	load_verify_fn *verify; /* NULL: any bytes */
	const void *object;
	uint64_t wait_ns; /* closed loop: not before this has passed */
};

/* Fills *r, which is all zero but for its client. False when there are no more
 * requests for that one. */
typedef bool load_next_fn(void *ctx, struct load_request *r);
/* A final response's head has arrived. */
typedef void
load_head_fn(void *ctx, const struct load_request *r, const struct head *h);
/* The request is over; body is the number of body bytes that came. */
typedef void load_done_fn(void *ctx, const struct load_request *r,
	enum load_outcome outcome, uint64_t body);

struct load {
	struct in_addr addr;
	uint16_t port;		 /* host order */
	unsigned connections;	 /* at least 1 */
	unsigned per_connection; /* requests on one; 0: no limit */
	double rate;		 /* requests per second; 0: closed loop */
	uint64_t duration_ns;	 /* 0: until next() says end */
	uint64_t timeout_ns;	 /* of one request; 0: 30 s */
	uint64_t expected;	 /* requests in all, if known: for progress */
	bool progress;		 /* a live line, if stderr is a terminal */
	load_next_fn *next;
	load_head_fn *on_head; /* may be NULL */
	load_done_fn *on_done; /* may be NULL */
	void *ctx;
};

struct load_result {
	uint64_t outcomes[LOAD_OUTCOMES];
	uint64_t statuses[600];	 /* final responses with that status */
	uint64_t received_bytes; /* all that came, heads included */
	uint64_t body_bytes;
	uint64_t connections; /* opened */
	uint64_t unsent;      /* open loop: due by the end, and never sent */
	uint64_t elapsed_ns;
	/* Of right answers, connect included; in an open loop since due. */
	struct hist latency_ns;
	struct hist connect_ns; /* of connections that came about */
};

/* 0, or negative errno when there is no epoll. */
int load_run(const struct load *l, struct load_result *out);

const char *load_outcome_text(enum load_outcome o);
uint64_t load_requests(const struct load_result *r); /* all outcomes */
uint64_t load_wrong(const struct load_result *r);    /* all but LOAD_RIGHT */
