#pragma once
/*
 * struct oneshot_server: serves clients of a listening socket each of which
 * asks one thing, gets one answer, and then the end of file. What a question is
 * and when it is all there, whoever uses it says.
 */
#include "base/buf.h"
#include "net/loop.h"

struct oneshot_server;
struct admin_request; /* a client */

/* What has come from the client so far. False: more is needed; true: it has
 * been answered, or will be, once. */
typedef bool (*oneshot_fn)(
	void *ctx, struct admin_request *client, struct str in);

struct oneshot_config {
	struct loop *loop; /* borrowed */
	oneshot_fn fn;
	void *ctx; /* fn's */
	size_t question_max_bytes;
	unsigned clients_max;
	unsigned timeout_s; /* to ask, and to take the answer */
};

/* Takes the listener's descriptor. 0; or negative errno, and it is closed. */
int oneshot_listen(const struct oneshot_config *config, int fd,
	struct oneshot_server **out);
/* Those who have no answer get none. */
void oneshot_close(struct oneshot_server *s);
/* Takes what is in *answer. */
void oneshot_answer(struct admin_request *client, struct buf *answer);
