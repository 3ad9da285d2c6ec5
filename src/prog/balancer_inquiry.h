#pragma once
/*
 * struct inquiry: what the balancer asks a node by HTTP at its status_port
 * (admin/report.h), one question at a time. Whoever does not answer is left:
 * another node will do, or another time.
 */
#include "base/buf.h"
#include "net/loop.h"

#include <netinet/in.h>

struct inquiry {
	struct loop *loop; /* borrowed */
	void *ctx;	   /* of on_answer() */
	/* The whole document; p == NULL: what was answered is none. The inquiry
	 * is over; another may begin. */
	void (*on_answer)(void *ctx, struct str document);
	/* its own */
	struct source io;
	bool sent;
	struct buf question, answer;
};

void inquiry_init(struct inquiry *q, struct loop *l,
	void (*on_answer)(void *ctx, struct str document), void *ctx);
void inquiry_fini(struct inquiry *q); /* all zero is fine */
/* Asks that node for that; what was asked before is given up. */
void inquiry_start(
	struct inquiry *q, struct in_addr node, uint16_t port, struct str path);
bool inquiry_is_open(const struct inquiry *q);
