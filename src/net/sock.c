#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"

enum { BACKLOG = 4096, SPARE_DESCRIPTORS = 64 };

static struct sockaddr_in
inet(struct in_addr addr, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr = addr,
		.sin_port = htons(port)};
}

static void
set(int fd, int level, int option)
{
	int one = 1;

	(void)setsockopt(fd, level, option, &one, sizeof(one));
}

static int
tcp_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	return fd;
}

static int
listen_at(int fd, const struct sockaddr *a, socklen_t n)
{
	set(fd, SOL_SOCKET, SO_REUSEADDR);
	set(fd, SOL_SOCKET, SO_REUSEPORT);
	return bind(fd, a, n) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

int
sock_listen(struct in_addr addr, uint16_t port)
{
	struct sockaddr_in a = inet(addr, port);
	own_fd int fd = tcp_socket(AF_INET);
	int r = fd < 0 ? fd : listen_at(fd, (struct sockaddr *)&a, sizeof(a));

	return r < 0 ? r : take_fd(&fd);
}

int
sock_listen6(uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_ANY_INIT,
		.sin6_port = htons(port)};
	own_fd int fd = tcp_socket(AF_INET6);
	int r = fd;

	if (fd >= 0) {
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		r = listen_at(fd, (struct sockaddr *)&a, sizeof(a));
	}
	return r < 0 ? r : take_fd(&fd);
}

int
sock_connect(struct in_addr from, struct in_addr to, uint16_t port)
{
	struct sockaddr_in a = inet(to, port), self = inet(from, 0);
	own_fd int fd = tcp_socket(AF_INET);

	if (fd < 0)
		return fd;
	if (from.s_addr != htonl(INADDR_ANY)) {
		/* The port is chosen at connect, when it need not be unique. */
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
		if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
			return -errno;
	}
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

static int
accept_one(int listener, struct sockaddr *a, socklen_t n)
{
	int fd;

	do
		fd = accept4(listener, a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return -errno;
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	return fd;
}

int
sock_accept(int listener, struct sockaddr_in *peer)
{
	struct sockaddr_in a;
	int fd = accept_one(listener, (struct sockaddr *)&a, sizeof(a));

	if (fd >= 0 && peer)
		*peer = a;
	return fd;
}

int
sock_accept_any(int listener, struct in6_addr *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {0};
	int fd = accept_one(listener, &a.any, sizeof(a));

	if (fd >= 0)
		*peer = a.any.sa_family == AF_INET6
			? a.v6.sin6_addr
			: sock_mapped(a.v4.sin_addr);
	return fd;
}

int
sock_error(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}

static int
make_folder_of(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

int
sock_listen_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	own_fd int fd = -1, probe = -1;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	r = make_folder_of(path);
	if (r < 0)
		return r;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || probe < 0)
		return -errno;
	if (connect(probe, (struct sockaddr *)&a, sizeof(a)) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		(void)unlink(path);
	mode_t was = umask(0177);

	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(was);
	if (r < 0)
		return r;
	if (listen(fd, 128) < 0)
		return -errno;
	return take_fd(&fd);
}

void
sock_allow(unsigned n)
{
	rlim_t least = (rlim_t)n + SPARE_DESCRIPTORS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= least)
		return;
	r.rlim_cur = least;
	if (r.rlim_max < least)
		r.rlim_max = least; /* root may */
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

struct sock_text
sock_text(struct in_addr addr, uint16_t port)
{
	struct sock_text t;
	char ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &addr, ip, sizeof(ip));
	snprintf(t.z, sizeof(t.z), "%s:%u", ip, port);
	return t;
}

struct in6_addr
sock_mapped(struct in_addr addr)
{
	struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(mapped.s6_addr + 12, &addr, sizeof(addr));
	return mapped;
}

bool
sock_unmapped(const struct in6_addr *addr, struct in_addr *out)
{
	if (!IN6_IS_ADDR_V4MAPPED(addr))
		return false;
	memcpy(out, addr->s6_addr + 12, sizeof(*out));
	return true;
}

/* As inet_ntop() does, which prints. */
static void
put_v4(struct in_addr addr, char *at)
{
	const unsigned char *b = (const unsigned char *)&addr;

	for (int i = 0; i < 4; i++) {
		if (b[i] >= 100)
			*at++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*at++ = (char)('0' + b[i] / 10 % 10);
		*at++ = (char)('0' + b[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
}

/* Part of each request that is passed on. */
struct sock_host_text
sock_host_text(const struct in6_addr *addr)
{
	struct sock_host_text t;
	struct in_addr v4;

	if (sock_unmapped(addr, &v4))
		put_v4(v4, t.z);
	else
		inet_ntop(AF_INET6, addr, t.z, sizeof(t.z));
	return t;
}
