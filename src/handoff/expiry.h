#pragma once
/*
 * struct expiry: flows that are to be looked at again, some time after they
 * began, and then again until they are over: nobody tells of a connection's
 * end. A queue, since all wait equally long; any thread may add to it.
 */
#include "handoff/abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expiry;

struct expiry_flow {
	struct handoff_key key;
	uint32_t id; /* a later forward of the same client has another one */
	uint64_t due_ns;
};

struct expiry *expiry_new(uint64_t delay_ns);
void expiry_free(struct expiry *e); /* NULL is fine */
/* Its id. */
uint32_t
expiry_add(struct expiry *e, const struct handoff_key *key, uint64_t now_ns);
/* It goes on being of interest. */
void expiry_again(struct expiry *e, struct expiry_flow f, uint64_t now_ns);
/* Takes out the next one that is due. */
bool expiry_next(struct expiry *e, uint64_t now_ns, struct expiry_flow *out);
size_t expiry_count(struct expiry *e);
