#include "prog/balancer_inquiry.h"

#include "http/head.h"
#include "net/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16384, ANSWER_MAX = 65536 };

/* Harmless if it is over. */
static void
stop(struct inquiry *q)
{
	if (q->io.fd < 0)
		return;
	loop_close(q->loop, &q->io);
	buf_consume(&q->question, buf_len(&q->question));
	buf_consume(&q->answer, buf_len(&q->answer));
	q->sent = false;
}

bool
inquiry_is_open(const struct inquiry *q)
{
	return q->io.fd >= 0;
}

static void
send_question(struct inquiry *q)
{
	size_t n = buf_len(&q->question);

	q->sent = true;
	if (sock_error(q->io.fd) < 0 ||
		send(q->io.fd, buf_head(&q->question), n, MSG_NOSIGNAL) !=
			(ssize_t)n)
		stop(q);
}

static struct str
document_of(struct str answer)
{
	struct head h;

	if (head_parse_response(answer, &h) != HEAD_DONE || h.status != 200)
		return (struct str){0};
	return str_of(answer.p + h.bytes, answer.n - h.bytes);
}

/* It is over before it is told. */
static void
tell(struct inquiry *q)
{
	struct buf answer = q->answer;

	q->answer = (struct buf){0};
	stop(q);
	q->on_answer(q->ctx, document_of(buf_view(&answer)));
	buf_fini(&answer);
}

static void
read_answer(struct inquiry *q)
{
	ssize_t n;

	do {
		n = recv(q->io.fd, buf_reserve(&q->answer, READ_BYTES),
			READ_BYTES, 0);
		if (n > 0)
			buf_commit(&q->answer, (size_t)n);
	} while (n > 0 && buf_len(&q->answer) <= ANSWER_MAX);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 0)
		tell(q);
	else
		stop(q);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct inquiry *q = container_of(s, struct inquiry, io);

	if (!q->sent && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		send_question(q);
	if (q->io.fd >= 0 && q->sent && events & (EPOLLIN | EPOLLHUP))
		read_answer(q);
}

void
inquiry_init(struct inquiry *q, struct loop *l,
	void (*on_answer)(void *ctx, struct str document), void *ctx)
{
	*q = (struct inquiry){.loop = l,
		.ctx = ctx,
		.on_answer = on_answer,
		.io = {.fd = -1, .on_io = on_io}};
}

void
inquiry_fini(struct inquiry *q)
{
	if (!q->loop)
		return;
	stop(q);
	buf_fini(&q->question);
	buf_fini(&q->answer);
}

void
inquiry_start(
	struct inquiry *q, struct in_addr node, uint16_t port, struct str path)
{
	struct in_addr any = {0};
	int fd;

	stop(q);
	fd = sock_connect(any, node, port);
	if (fd < 0)
		return;
	if (loop_watch(q->loop, &q->io, fd) < 0) {
		(void)close(fd);
		return;
	}
	buf_printf(&q->question,
		"GET %.*s HTTP/1.1\r\nHost: node\r\n"
		"User-Agent: sevenfold-balancer\r\n"
		"Connection: close\r\n\r\n",
		STR_ARG(path));
}
