/* See demo_distill.h. */
#include "prog/demo_distill.h"

#include "admin/human.h"
#include "base/own.h"
#include "bench/tree.h"
#include "http/head.h"
#include "lab/lab.h"
#include "prog/demo_claims.h"
#include "prog/demo_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { PATIENCE_S = 30, PIECE = 65536 };

static int
ask(int fd, const char *target)
{
	struct buf b = {0};
	ssize_t n;

	buf_printf(&b,
		"GET %s HTTP/1.1\r\nHost: " LAB_VIP "\r\n"
		"Accept: image/webp,image/*,*/*;q=0.8\r\nSave-Data: on\r\n"
		"Connection: close\r\n\r\n",
		target);
	n = send(fd, buf_head(&b), buf_len(&b), MSG_NOSIGNAL);
	n = n == (ssize_t)buf_len(&b) ? 0 : -EIO;
	buf_fini(&b);
	return (int)n;
}

/* The body of a 200, or nothing. */
static int
get(const char *target, struct buf *body)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = inet_addr(LAB_VIP)};
	const struct timeval patience = {PATIENCE_S, 0};
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct head h;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const void *)&to, sizeof(to)) < 0)
		return -errno;
	if (ask(fd, target) < 0)
		return -EIO;
	while ((n = recv(fd, buf_reserve(body, PIECE), PIECE, 0)) > 0)
		buf_commit(body, (size_t)n);
	if (n < 0)
		return -errno;
	if (head_parse_response(buf_view(body), &h) == HEAD_DONE &&
		h.status == 200)
		buf_consume(body, h.bytes);
	else
		buf_consume(body, buf_len(body));
	return 0;
}

static int
get_twice(const struct tree_file *file, struct demo_distilled *d)
{
	struct buf first = {0}, second = {0};
	int r = get(file->target, &first);

	if (r == 0)
		r = get(file->target, &second);
	d->pictures++;
	d->wrong += !buf_len(&first) ||
		!str_eq(buf_view(&first), buf_view(&second));
	d->before_bytes += file->size;
	d->after_bytes += buf_len(&first);
	buf_fini(&first);
	buf_fini(&second);
	return r;
}

static bool
is_picture(struct str target)
{
	return str_starts(target, STR("/pictures/")) && target.n > 5 &&
		memcmp(target.p + target.n - 5, ".html", 5) != 0;
}

int
demo_distill_visit(const struct tree *tree, struct demo_distilled *out)
{
	struct demo_distilled d = {0};
	int r = 0;

	for (size_t i = 0; i < tree->n && r == 0; i++)
		if (is_picture(str_z(tree->files[i].target)))
			r = get_twice(&tree->files[i], &d);
	if (r == 0)
		*out = d;
	return r;
}

bool
demo_distill_claim(const struct demo_facts *f, const struct demo_distilled *d,
	bool colour, struct buf *out)
{
	uint64_t made = DEMO_SUM(f, distilled),
		 left = DEMO_SUM(f, distill_left);
	uint64_t lost = DEMO_SUM(f, distill_failed) + DEMO_SUM(f, distill_late);
	/* What is hot is at several nodes, and made by each. */
	bool ok = d->pictures && !d->wrong && !lost &&
		made + left >= d->pictures &&
		made + left <= (uint64_t)d->pictures * f->nnodes &&
		d->after_bytes < d->before_bytes / 2;

	demo_verdict(ok, colour, out);
	if (ok)
		buf_printf(out,
			"A client that saves data got %u pictures of %s as %s: "
			"each was distilled once by a node that owns it.\n",
			d->pictures, human_bytes(d->before_bytes).z,
			human_bytes(d->after_bytes).z);
	else
		buf_printf(out,
			"Of %u pictures, %u came wrong or not alike; %s came "
			"as "
			"%s; the nodes distilled %" PRIu64 ", left %" PRIu64
			" as they are, and were late or failed with %" PRIu64
			".\n",
			d->pictures, d->wrong, human_bytes(d->before_bytes).z,
			human_bytes(d->after_bytes).z, made, left, lost);
	return ok;
}
