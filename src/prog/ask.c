#include "prog/ask.h"

#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ASK_CLIENTS 8
#define ASK_LINE_BYTES 128

struct client {
	int fd; /* owned, or -1 */
	size_t n;
	char line[ASK_LINE_BYTES];
	bool asked;
	struct buf answer;
};

struct ask {
	ask_fn on_command;
	void *ctx;     /* borrowed */
	char *path;    /* owned; once set, the file is ours */
	int epoll;     /* owned */
	int listener;  /* owned */
	unsigned next; /* client whose place is taken next */
	struct client clients[ASK_CLIENTS];
};

/* Makes room for our socket at addr. */
static int
replace_stale(const struct sockaddr_un *addr)
{
	own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(addr->sun_path) < 0 ? -errno : 0;
}

static int
make_directory(const char *path)
{
	own_free char *copy = xstrdup(path);

	if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* A listening socket at path, or negative errno. */
static int
listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	own_fd int fd = -1;
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	err = make_directory(path);
	if (!err)
		err = replace_stale(&addr);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	(void)umask(mask);
	if (!err && listen(fd, ASK_CLIENTS) < 0)
		err = -errno;
	return err ? err : take_fd(&fd);
}

static int
ask_setup(struct ask *a, const char *path)
{
	struct epoll_event ev = {EPOLLIN | EPOLLET, {.ptr = NULL}};

	a->listener = listen_at(path);
	if (a->listener < 0)
		return a->listener;
	a->path = xstrdup(path);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll < 0 ||
		epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->listener, &ev) < 0)
		return -errno;
	return 0;
}

int
ask_open(const char *path, ask_fn on_command, void *ctx, struct ask **out)
{
	struct ask *a = NEW(struct ask);
	int err;

	a->on_command = on_command;
	a->ctx = ctx;
	a->epoll = a->listener = -1;
	for (int i = 0; i < ASK_CLIENTS; i++)
		a->clients[i].fd = -1;
	err = ask_setup(a, path);
	if (err) {
		ask_close(a);
		return err;
	}
	*out = a;
	return 0;
}

static void
client_close(struct client *c)
{
	own_fd_(&c->fd);
	buf_fini(&c->answer);
	*c = (struct client){.fd = -1};
}

void
ask_close(struct ask *a)
{
	if (!a)
		return;
	for (int i = 0; i < ASK_CLIENTS; i++)
		client_close(&a->clients[i]);
	if (a->path)
		(void)unlink(a->path);
	own_fd_(&a->listener);
	own_fd_(&a->epoll);
	free(a->path);
	free(a);
}

int
ask_fd(const struct ask *a)
{
	return a->epoll;
}

static void
client_open(struct ask *a, int fd)
{
	struct client *c = &a->clients[a->next];
	struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = c}};

	a->next = (a->next + 1) % ASK_CLIENTS;
	client_close(c);
	c->fd = fd;
	if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		client_close(c);
}

static void
on_listener(struct ask *a)
{
	int fd;

	while ((fd = accept4(a->listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		client_open(a, fd);
}

/* What came of the question; answers it once it is complete. False: the
 * client is gone, or talks nonsense. */
static bool
client_read(struct ask *a, struct client *c)
{
	char *end;
	ssize_t n = 0;

	while (!c->asked && c->n < sizeof(c->line) &&
		(n = read(c->fd, c->line + c->n, sizeof(c->line) - c->n)) > 0) {
		c->n += (size_t)n;
		end = memchr(c->line, '\n', c->n);
		if (!end)
			continue;
		c->asked = true;
		a->on_command(a->ctx,
			str_trim(str_of(c->line, (size_t)(end - c->line))),
			&c->answer);
	}
	return c->asked || (n < 0 && errno == EAGAIN);
}

/* False: all is said. */
static bool
client_write(struct client *c)
{
	ssize_t n;

	while (buf_len(&c->answer)) {
		n = send(c->fd, buf_head(&c->answer), buf_len(&c->answer),
			MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		buf_consume(&c->answer, (size_t)n);
	}
	return !c->asked;
}

void
ask_run(struct ask *a)
{
	struct epoll_event ev;

	/* One event at a time: taking a new client may end an older one,
	 * which must not turn up later in the same batch. */
	while (epoll_wait(a->epoll, &ev, 1, 0) > 0) {
		struct client *c = ev.data.ptr;

		if (!c)
			on_listener(a);
		else if (!client_read(a, c) || !client_write(c))
			client_close(c);
	}
}
