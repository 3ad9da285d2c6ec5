/*
 * floor [--file | --keyed] PORT PATH LENGTH: what TCP costs, as a server.
 *
 * It answers every request alike: one recv(), a look for the blank line at the
 * end of what came, one send(). Nothing that serves from user space, a request
 * at a time, can do with less; a server is as good as it is close to this.
 *
 * --file	keeps the body in a memfd of huge pages and sends it by
 *		sendfile(), which is the cheaper way for large ones
 * --keyed	lets the body begin with the path of the request instead of
 *		PATH: the smallest origin for any number of objects
 */
#include "engine/object.h"

#include "base/mem.h"
#include "net/sock.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum {
	EVENTS = 256,
	MAX_CONNS = 65536, /* descriptors */
	REQUEST_BYTES = 4096,
	HUGE_PAGE = 2 << 20,
	KEY_BYTES = 64,
};

enum mode { SEND, SEND_FILE, KEYED };

struct floor {
	enum mode mode;
	int epoll, listener;
	char *response; /* the head, and the body behind it if by send() */
	size_t head, total;
	int file; /* the body, if by sendfile() */
	/* By descriptor: how much of the response went; 0: none is due. */
	size_t sent[MAX_CONNS];
};

/* --- the response ----------------------------------------------------------
 */

static void
make_head(struct floor *f, size_t length)
{
	f->response = xasprintf("HTTP/1.1 200 OK\r\n"
				"Content-Type: text/plain\r\n"
				"Cache-Control: max-age=86400\r\n"
				"Content-Length: %zu\r\n\r\n",
		length);
	f->head = strlen(f->response);
	f->total = f->head + length;
}

/* A mapping of bytes of the file at a multiple of HUGE_PAGE. */
static char *
map_aligned(int file, size_t bytes)
{
	char *room = mmap(NULL, bytes + HUGE_PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t at = (uintptr_t)room;

	if (room == MAP_FAILED)
		err(1, "mmap");
	at = (at + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	char *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, file, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static void
make_file(struct floor *f, struct str path, size_t length)
{
	size_t bytes = (length + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;

	f->file = memfd_create("body", MFD_CLOEXEC);
	if (f->file < 0 || ftruncate(f->file, (off_t)bytes) < 0)
		err(1, "memfd");
	char *p = map_aligned(f->file, bytes);
	object_fill(p, length, path);
	memset(p + length, 0, bytes - length);
	if (madvise(p, bytes, MADV_COLLAPSE) < 0)
		err(1, "MADV_COLLAPSE");
}

static void
make_body(struct floor *f, struct str path, size_t length)
{
	f->response = xrealloc(f->response, f->total);
	object_fill(f->response + f->head, length, path);
}

/* The body begins with the path that is asked for. */
static void
make_key(struct floor *f, const char *request, size_t n)
{
	const char *path = memchr(request, ' ', n);
	const char *end = path
		? memchr(path + 1, ' ', n - (size_t)(path + 1 - request))
		: NULL;

	if (end && end - path <= KEY_BYTES)
		memcpy(f->response + f->head, path + 1,
			(size_t)(end - path - 1));
}

/* --- a connection ----------------------------------------------------------
 */

static ssize_t
send_some(struct floor *f, int fd)
{
	size_t *sent = &f->sent[fd];

	if (f->mode != SEND_FILE)
		return send(fd, f->response + *sent, f->total - *sent,
			MSG_NOSIGNAL);
	if (*sent < f->head)
		return send(fd, f->response + *sent, f->head - *sent,
			MSG_NOSIGNAL | MSG_MORE);
	off_t at = (off_t)(*sent - f->head);
	return sendfile(fd, f->file, &at, f->total - *sent);
}

static void
close_conn(struct floor *f, int fd)
{
	f->sent[fd] = 0;
	close(fd);
}

/* Sends until the response is out or the socket is full. */
static void
answer(struct floor *f, int fd)
{
	while (f->sent[fd] < f->total) {
		ssize_t n = send_some(f, fd);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_conn(f, fd);
			return;
		}
		f->sent[fd] += (size_t)n;
	}
	f->sent[fd] = 0;
}

static void
on_request(struct floor *f, int fd)
{
	static char request[REQUEST_BYTES];
	ssize_t n = recv(fd, request, sizeof(request), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close_conn(f, fd);
		return;
	}
	if (n < 4 || memcmp(request + n - 4, "\r\n\r\n", 4) != 0)
		return; /* the end will come alone */
	if (f->mode == KEYED)
		make_key(f, request, (size_t)n);
	answer(f, fd);
}

static void
on_clients(struct floor *f)
{
	int fd;

	while ((fd = sock_accept(f->listener, NULL)) >= 0) {
		struct epoll_event ev = {.data.fd = fd,
			.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};

		if (fd >= MAX_CONNS ||
			epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
			close(fd);
	}
}

static void
serve(struct floor *f)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(f->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == f->listener)
				on_clients(f);
			else if (f->sent[fd] > 0)
				answer(f, fd);
			else
				on_request(f, fd);
		}
	}
}

/* --- the command line ------------------------------------------------------
 */

_Noreturn static void
usage(void)
{
	errx(2, "usage: floor [--file | --keyed] PORT PATH LENGTH");
}

static enum mode
parse_mode(int argc, char **argv)
{
	static const struct option options[] = {
		{"file", no_argument, NULL, SEND_FILE},
		{"keyed", no_argument, NULL, KEYED},
		{0},
	};
	int mode = SEND, o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			usage();
		mode = o;
	}
	return (enum mode)mode;
}

static void
listen_at(struct floor *f, uint16_t port)
{
	struct in_addr any = {.s_addr = htonl(INADDR_ANY)};
	struct epoll_event ev = {.events = EPOLLIN};

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->listener = sock_listen(any, port);
	ev.data.fd = f->listener;
	if (f->epoll < 0 || f->listener < 0 ||
		epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->listener, &ev) < 0)
		err(1, "port %u", port);
}

int
main(int argc, char **argv)
{
	static struct floor f;
	uint64_t port, length;

	f.mode = parse_mode(argc, argv);
	argv += optind;
	if (argc - optind != 3 || str_u64(str_z(argv[0]), 65535, &port) < 0 ||
		str_u64(str_z(argv[2]), 1 << 30, &length) < 0 ||
		strlen(argv[1]) + KEY_BYTES > length)
		usage();
	signal(SIGPIPE, SIG_IGN);
	make_head(&f, length);
	if (f.mode == SEND_FILE)
		make_file(&f, str_z(argv[1]), length);
	else
		make_body(&f, str_z(argv[1]), length);
	listen_at(&f, (uint16_t)port);
	serve(&f);
}
