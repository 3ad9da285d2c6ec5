#include "admin/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "admin/oneshot.h"
#include "base/mem.h"
#include "net/sock.h"

enum { LINE_MAX_BYTES = 1 << 20, CLIENTS_MAX = 1024, TIMEOUT_S = 10 };

struct admin_server {
	struct oneshot_server *clients; /* owned */
	char *path;			/* owned */
	admin_handler_fn handler;
	void *ctx; /* the handler's */
};

/* A client has its line out at once, or is not one of ours. */
static bool
on_bytes(void *ctx, struct admin_request *client, struct str in)
{
	struct admin_server *s = ctx;
	struct str line;

	if (!str_split(&in, '\n', &line) || !in.p)
		return false;
	s->handler(s->ctx, client, str_trim(line));
	return true;
}

void
admin_answer(struct admin_request *r, struct str document)
{
	struct buf out = {0};

	buf_str(&out, document);
	buf_z(&out, "\n");
	oneshot_answer(r, &out);
	buf_fini(&out);
}

int
admin_listen(struct loop *l, const char *path, admin_handler_fn handler,
	void *ctx, struct admin_server **out)
{
	struct admin_server *s;
	int fd = sock_listen_unix(path), r;

	if (fd < 0)
		return fd;
	s = NEW(struct admin_server);
	s->handler = handler;
	s->ctx = ctx;
	r = oneshot_listen(&(struct oneshot_config){.loop = l,
				   .fn = on_bytes,
				   .ctx = s,
				   .question_max_bytes = LINE_MAX_BYTES,
				   .clients_max = CLIENTS_MAX,
				   .timeout_s = TIMEOUT_S},
		fd, &s->clients);
	if (r < 0) {
		free(s);
		return r;
	}
	s->path = xstrdup(path);
	*out = s;
	return 0;
}

void
admin_close(struct admin_server *s)
{
	if (!s)
		return;
	oneshot_close(s->clients);
	(void)unlink(s->path);
	free(s->path);
	free(s);
}
