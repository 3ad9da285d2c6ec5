/*
 * Faults for the nodes of a lab, to be preloaded: the system calls by which a
 * connection is taken apart and put together (src/handoff/repair.c) take longer
 * now and then, or fail, so that what happens to be under way meets each step.
 *
 *	FAULT_DELAY_US	sleeps up to so long before such calls, one in two
 *	FAULT_PERCENT	of them fail, of those named in
 *	FAULT_CALLS	words: repair, bind, connect, disconnect, options,
 *			window, sequence, parted (the look at a socket that
 *			was taken apart)
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long
number(const char *name)
{
	const char *z = getenv(name);

	return z ? atol(z) : 0;
}

/* -1, with errno set, if it is to fail. */
static int
fault(const char *call, int error)
{
	static __thread unsigned seed;
	const char *calls = getenv("FAULT_CALLS");
	long delay_us = number("FAULT_DELAY_US");

	if (!seed)
		seed = (unsigned)gettid();
	if (delay_us && rand_r(&seed) % 2)
		usleep((unsigned)rand_r(&seed) % (unsigned)delay_us);
	if (!calls || !strstr(calls, call) ||
		rand_r(&seed) % 100 >= number("FAULT_PERCENT"))
		return 0;
	errno = error;
	return -1;
}

static int
is_in_repair(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);

	return getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, &n) == 0 && on;
}

static const char *
name_of(int option)
{
	switch (option) {
	case TCP_REPAIR: return "repair";
	case TCP_REPAIR_OPTIONS: return "options";
	case TCP_REPAIR_WINDOW: return "window";
	case TCP_QUEUE_SEQ: return "sequence";
	default: return NULL;
	}
}

int
setsockopt(int fd, int level, int option, const void *p, socklen_t n)
{
	static int (*real)(int, int, int, const void *, socklen_t);
	const char *call = level == IPPROTO_TCP ? name_of(option) : NULL;
	int off = option == TCP_REPAIR && *(const int *)p <= 0;

	if (!real)
		real = dlsym(RTLD_NEXT, "setsockopt");
	/* Out of repair it always gets. */
	if (call && !off && fault(call, ENOMEM) < 0)
		return -1;
	return real(fd, level, option, p, n);
}

int
bind(int fd, const struct sockaddr *a, socklen_t n)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "bind");
	if (is_in_repair(fd) && fault("bind", EADDRINUSE) < 0)
		return -1;
	return real(fd, a, n);
}

int
connect(int fd, const struct sockaddr *a, socklen_t n)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);
	int apart = a->sa_family == AF_UNSPEC;

	if (!real)
		real = dlsym(RTLD_NEXT, "connect");
	if (is_in_repair(fd) &&
		fault(apart ? "disconnect" : "connect", EADDRNOTAVAIL) < 0)
		return -1;
	return real(fd, a, n);
}

int
getsockopt(
	int fd, int level, int option, void *restrict p, socklen_t *restrict n)
{
	static int (*real)(int, int, int, void *, socklen_t *);
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (!real)
		real = dlsym(RTLD_NEXT, "getsockopt");
	if (level == IPPROTO_TCP && option == TCP_QUEUE_SEQ &&
		getpeername(fd, (struct sockaddr *)&peer, &size) < 0 &&
		fault("parted", EIO) < 0)
		return -1;
	return real(fd, level, option, p, n);
}
