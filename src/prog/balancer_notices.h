#pragma once
/*
 * struct notices: where nodes tell the balancer at once of connections that
 * they have just been given (handoff/notice.h). Nothing is heard twice, nor
 * what has been asked for since, nor what has been here for so long that the
 * client may have its port for another connection, and that elsewhere: for a
 * second who gave the last one away sends a new one the same way
 * (handoff/bpf/steer.h), so that what is said is true of that, too.
 */
#include "handoff/notice.h"
#include "prog/balancer.h"

struct notices;

struct notices_user {
	void *ctx;
	struct str secret; /* borrowed */
	/* The member of that index says so. */
	void (*on_notice)(void *ctx, size_t member, const struct notice *n);
	/* Somebody else said something. */
	void (*on_untrusted)(void *ctx);
};

/* NULL and errno. */
struct notices *notices_new(struct program *p, const struct notices_user *user);
void notices_free(struct notices *n); /* NULL is fine */
/* Where they are heard, into the question. */
void notices_where(const struct notices *n, struct claims_question *q);
/* The member has answered a question, with what it said up to that number. */
void notices_since(struct notices *n, size_t member, uint64_t number);
