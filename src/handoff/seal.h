#pragma once
/*
 * struct seal: what two nodes say to each other, so that nobody else can say,
 * read, change or repeat it: AES-256-GCM, with a key for each connection and
 * direction, derived from the cluster's secret (HKDF, RFC 5869) and from how
 * both ends greeted each other, in which each made something up. Messages are
 * numbered, and come in order: one that is repeated, left out or from another
 * connection does not open.
 */
#include "base/str.h"

struct seal;

enum { SEAL_BYTES = 16, SEAL_SECRET_MIN = 16 };

/* What both ends know of their connection. */
struct seal_context {
	struct str secret;
	struct str dialler, acceptor; /* what each said first, in the clear */
};

/* For what the dialler says, or the acceptor. NULL if the library fails. */
struct seal *seal_new(const struct seal_context *c, bool from_dialler);
void seal_free(struct seal *s); /* NULL is fine */

/* Seals n bytes in place; tag goes with them. 0 or negative errno. */
int seal_put(struct seal *s, char *text, size_t n, char tag[SEAL_BYTES]);
/* Opens them in place. -EBADMSG: it is not what the other end said next; they
 * are of no use then. */
int seal_open(struct seal *s, char *text, size_t n, const char tag[SEAL_BYTES]);

/*
 * struct tickets: by which further connections are known to belong to this one:
 * a number, and the ticket that goes with it, which nobody else can tell.
 */
struct tickets {
	char key[32];
};

/* 0 or negative errno. Without a secret others could tell them, too. */
int tickets_make(const struct seal_context *c, struct tickets *out);
uint64_t ticket_of(const struct tickets *t, uint32_t number);
