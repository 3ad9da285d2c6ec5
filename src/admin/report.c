#include "admin/report.h"

#include <stdlib.h>

#include "admin/oneshot.h"
#include "base/mem.h"
#include "http/head.h"
#include "net/sock.h"

enum { CLIENTS_MAX = 64, TIMEOUT_S = 5 };

struct report_server {
	struct oneshot_server *clients; /* owned */
	report_fn fn;
	void *ctx; /* fn's */
};

/* --- what is answered ----------------------------------------------------- */

static const struct head_limits limits = {
	.line = 1024, .field = 4096, .bytes = 8192, .fields = 64};

static void
put_head(struct buf *out, const char *status, const char *type, size_t n)
{
	buf_printf(out,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		status, type, n);
}

static void
put_error(struct buf *out, const char *status)
{
	put_head(out, status, "text/plain", strlen(status) + 1);
	buf_printf(out, "%s\n", status);
}

static void
put_document(report_fn fn, void *ctx, const struct head *h, struct buf *out)
{
	struct str path, rest = h->target;
	struct buf document = {0};
	const char *type;

	(void)str_split(&rest, '?', &path);
	type = fn(ctx, path, &document);
	if (type) {
		put_head(out, "200 OK", type, buf_len(&document));
		if (h->method == METHOD_GET)
			buf_str(out, buf_view(&document));
	} else {
		put_error(out, "404 Not Found");
	}
	buf_fini(&document);
}

bool
report_answer(report_fn fn, void *ctx, struct str request, struct buf *out)
{
	struct head h;

	switch (head_parse_request_within(request, &limits, &h)) {
	case HEAD_MORE: return false;
	case HEAD_DONE:
		if (h.method == METHOD_GET || h.method == METHOD_HEAD)
			put_document(fn, ctx, &h, out);
		else
			put_error(out, "405 Method Not Allowed");
		return true;
	default: put_error(out, "400 Bad Request"); return true;
	}
}

/* --- to whom -------------------------------------------------------------- */

static bool
on_bytes(void *ctx, struct admin_request *client, struct str in)
{
	struct report_server *s = ctx;
	struct buf out = {0};

	if (!report_answer(s->fn, s->ctx, in, &out))
		return false;
	oneshot_answer(client, &out);
	return true;
}

int
report_listen(struct loop *l, struct in_addr addr, uint16_t port, report_fn fn,
	void *ctx, struct report_server **out)
{
	struct report_server *s;
	int fd = sock_listen(addr, port), r;

	if (fd < 0)
		return fd;
	s = NEW(struct report_server);
	s->fn = fn;
	s->ctx = ctx;
	r = oneshot_listen(&(struct oneshot_config){.loop = l,
				   .fn = on_bytes,
				   .ctx = s,
				   .question_max_bytes = 2 * limits.bytes,
				   .clients_max = CLIENTS_MAX,
				   .timeout_s = TIMEOUT_S},
		fd, &s->clients);
	if (r < 0) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
report_close(struct report_server *s)
{
	if (!s)
		return;
	oneshot_close(s->clients);
	free(s);
}
