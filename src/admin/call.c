/* Asking a running node or balancer: see call.h. */
#include "admin/call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define ANSWER_BYTES_MAX (64u << 20)

/* A connection whose connect() and send() end with -EAGAIN when it's late. */
static int
connect_unix(const char *path, unsigned timeout_s)
{
	const struct timeval late = {.tv_sec = timeout_s};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	own_fd int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &late, sizeof(late)) ||
		connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return take_fd(&fd);
}

static int
send_all(int fd, const char *line)
{
	size_t left = strlen(line);

	while (left > 0) {
		ssize_t n = send(fd, line, left, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n > 0) {
			line += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

/* 1 when fd has something to read, 0 after a signal. */
static int
wait_readable(int fd, uint64_t end_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now_ns = clock_mono_ns();
	int r;

	if (now_ns >= end_ns)
		return -ETIMEDOUT;
	r = poll(&p, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
	return r < 0 && errno != EINTR ? -errno : r > 0;
}

static int
read_all(int fd, uint64_t end_ns, struct buf *b)
{
	for (;;) {
		int r = wait_readable(fd, end_ns);
		ssize_t n;

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		n = recv(fd, buf_reserve(b, 65536), 65536, MSG_DONTWAIT);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_commit(b, (size_t)n);
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (buf_len(b) > ANSWER_BYTES_MAX)
			return -EMSGSIZE;
	}
}

int
admin_call(const char *socket_path, const char *line, unsigned timeout_s,
	struct buf *answer)
{
	const uint64_t end_ns = clock_mono_ns() + timeout_s * NS_PER_S;
	own_fd int fd = connect_unix(socket_path, timeout_s);
	struct buf b = {0};
	int r;

	if (fd < 0)
		return fd;
	r = send_all(fd, line);
	if (r == 0)
		r = read_all(fd, end_ns, &b);
	if (r == 0)
		buf_str(answer, buf_view(&b));
	buf_fini(&b);
	return r;
}

static int
is_socket(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && !strcmp(e->d_name + n - 5, ".sock");
}

/* A balancer has no name; its socket is always called this. */
static bool
is_balancer(const struct dirent *e)
{
	return !strcmp(e->d_name, "balancer.sock");
}

int
admin_find(const char *dir, char **path)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_socket, versionsort), first = 0;

	if (n < 0)
		return -errno;
	if (n > 1 && is_balancer(entries[0]))
		first = 1;
	if (n > 0)
		*path = xasprintf("%s/%s", dir, entries[first]->d_name);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n > 0 ? n : -ENOENT;
}
