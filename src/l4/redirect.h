#pragma once
/*
 * A connection that has moved: the packets of its flow go to another server of
 * the same service from now on, and it counts there. For the process, on a
 * program's own maps, while packets pass.
 *
 * It is in the midst of it, by direct routing, or it is left alone: an entry
 * that has seen few packets may be another connection's, which has the client's
 * port since. Of one that is said to have moved just now less is asked, but
 * that it is where it is said to have been.
 */
#include "l4/image.h"

enum redirect {
#define RESULT(name, text) REDIRECT_##name,
#include "l4/redirects.def"
#undef RESULT
	REDIRECTS
};

/* Packets that the flow must have had. */
enum {
	/* Its client has asked something: SYN, ACK, request. */
	REDIRECT_JUST_NOW = 3,
	/* As many as are counted. */
	REDIRECT_LASTING = 9,
};

struct redirect_flow {
	union l4_addr client, vip;
	uint16_t client_port, vip_port; /* host order */
	uint16_t server;		/* the number of the new one */
	uint16_t from;	 /* that of the one that had it until now; 0: any */
	uint8_t packets; /* see above */
};

/* Does it, if it may be done. What has become of it. */
enum redirect redirect_flow(struct l4_image *i, const struct redirect_flow *f);
