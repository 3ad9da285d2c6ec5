#pragma once
/*
 * What a node tells the balancer of connections that it was given by other
 * nodes and has had for a while, so that their packets come to it directly
 * (proxy/tenure.h has them; l4/redirect.h is what comes of it). The balancer
 * asks for what is new since the last time:
 *
 *	/moves/SINCE/NONCE/HEAR/PROOF
 *
 * in hexadecimal, the nonce being made up for this question. HEAR is the
 * address and port where it wants to be told at once (notice.h), for a while
 * from now on; 0: nowhere. The answer:
 *
 *	last NUMBER	since which it may ask next
 *	ADDRESS PORT	of a client, a line each, CLAIMS_MAX at most
 *	PROOF		that this node says so, in answer to that question
 *
 * Both are proved by the cluster's secret (proof.h): a node says who its
 * clients are to nobody else, and nobody else can claim their connections.
 */
#include "base/buf.h"

#include <netinet/in.h>

enum { CLAIMS_MAX = 512 };

struct claim {
	struct in6_addr client; /* IPv4 is mapped */
	uint16_t port;		/* host order */
};

struct claims {
	uint64_t last;
	size_t n;
	struct claim v[CLAIMS_MAX];
};

struct claims_question {
	struct str secret;
	const char *cluster, *node; /* who is asked */
	uint64_t since, nonce;
	struct in_addr hear_addr;
	uint16_t hear_port; /* host order */
};

/* Appends the question, as a path. 0 or negative errno, as all here. */
int claims_ask(const struct claims_question *q, struct buf *path);
/* Sets what is in a question to us. False: it is none. */
bool claims_asked(struct str path, struct claims_question *q);
int claims_answer(const struct claims_question *q, const struct claims *c,
	struct buf *out);
/* False, and *out untouched: it does not answer the question. */
bool claims_answered(
	const struct claims_question *q, struct str answer, struct claims *out);

/* Without the proof: appends it, takes it to pieces. */
void claims_put(const struct claims *c, struct buf *out);
bool claims_parse(struct str text, struct claims *out);
