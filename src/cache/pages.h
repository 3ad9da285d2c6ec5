#pragma once
/*
 * struct pages: memory for what is stored, in one memfd, so that large bodies
 * can be sent with sendfile(2). Any thread.
 *
 * What sendfile() has queued are the pages themselves: a client may read them
 * long after we have let them go. So nothing is ever written twice to a page:
 * memory is handed out in order from blocks, and a block of which nothing is
 * left in use is punched out of the file before it is used again. Whoever
 * still has its pages keeps them; we get new ones.
 *
 * Blocks are of the size of a huge page where the whole is large enough, and
 * made one (MADV_COLLAPSE): 20 % less CPU per byte sent, and millions of small
 * objects cost few entries of the TLB.
 */
#include "cache/budget.h"

enum { PAGES_ALLOC_MAX = 64 * 1024 }; /* bytes at a time */

/* For budget's limit; what is in use is counted there, by whole pages. NULL and
 * errno when the kernel gives no memfd. */
struct pages *pages_new(struct budget *budget);
void pages_free(struct pages *p); /* NULL is fine */

/* What comes and what has stayed are kept apart: a block of the former is free
 * again when its time has come, unless few of the latter hold on to it. */
enum pages_kind { PAGES_NEW, PAGES_MOVED, PAGES_KINDS };

/* At most PAGES_ALLOC_MAX bytes; NULL when there are none left. */
char *pages_get(struct pages *p, size_t n, enum pages_kind kind);
/* at and n as of pages_get(). */
void pages_put(struct pages *p, char *at, size_t n);
/* Had what stays better leave the block that at is in: because the rest of it
 * will go, or has gone? */
bool pages_wanted_back(struct pages *p, const void *at);
/* Bytes that are lost in blocks of which the rest is in use. */
uint64_t pages_lost_bytes(struct pages *p);

bool pages_has(const struct pages *p, const void *at);
/* Is at in them? Then *fd and *offset are where sendfile() finds it. */
bool
pages_locate(const struct pages *p, const char *at, int *fd, int64_t *offset);
