/*
 * sevenfold distiller: a node's helper that decodes images and encodes them
 * anew, and compresses text. Started by the node, with a socket as standard
 * input, and as many as it has event loops. It has no rights, opens nothing,
 * and talks to nobody else; it may crash at any time.
 *
 * One order at a time: the message of struct order, with the descriptor of a
 * piece of memory that has the input; the answer is a struct report.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "distill/codec.h"
#include "distill/distill.h"
#include "prog/sandbox.h"
#include "prog/verb.h"

enum {
	SOCKET = STDIN_FILENO,
	/* 50 million pixels at 4 bytes, a progressive JPEG's coefficients,
	 * input, and what the program itself takes. */
	MEMORY_BYTES = 1024 * 1024 * 1024,
	FILES = 4,
	NICE = 19,
};

static const char usage[] = "usage: sevenfold distiller\n"
			    "\n"
			    "Nodes start it, for sites with `distill`.\n";

static bool
is_socket(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
		type == SOCK_SEQPACKET;
}

/* False when the node has gone. *fd is -1 if none came. */
static bool
receive(struct order *order, bool *good, int *fd)
{
	char text[sizeof(*order) + 1];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {text, sizeof(text)};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(SOCKET, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	*good = n > 0 && order_parse(str_of(text, (size_t)n), order);
	return n > 0;
}

static uint32_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint32_t)(t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

static bool
write_all(int fd, struct str s)
{
	off_t at = 0;

	while (s.n) {
		ssize_t n = pwrite(fd, s.p, s.n, at);

		if (n <= 0)
			return false;
		at += n;
		s.p += n;
		s.n -= (size_t)n;
	}
	return true;
}

static enum result
work(const struct order *o, int fd, struct report *report)
{
	struct distilled d;
	enum result result;
	struct stat st;
	void *in;

	/* Beyond the end of the file is a signal, and not a read. */
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)o->bytes)
		return RESULT_FAILED;
	in = mmap(NULL, o->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (in == MAP_FAILED)
		return RESULT_FAILED;
	result = distill(o, str_of(in, o->bytes), &d);
	munmap(in, o->bytes);
	report->type = (uint8_t)d.type;
	report->bytes = (uint32_t)buf_len(&d.bytes);
	report->pixels = (uint32_t)(d.pixels / 1000);
	if (result == RESULT_DONE && !write_all(fd, buf_view(&d.bytes)))
		result = RESULT_FAILED;
	buf_fini(&d.bytes);
	return result;
}

static bool
answer(const struct report *report)
{
	struct iovec part = {(void *)(uintptr_t)report, sizeof(*report)};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	return sendmsg(SOCKET, &m, MSG_NOSIGNAL) == sizeof(*report);
}

static int
serve(void)
{
	struct order o = {0};
	bool good;
	int fd;

	while (receive(&o, &good, &fd)) {
		struct report report = {.magic = ORDER_MAGIC, .id = o.id};
		uint32_t before_us = cpu_us();

		if (!good)
			return 1;
		report.outcome = (uint8_t)work(&o, fd, &report);
		report.cpu_us = cpu_us() - before_us;
		close(fd);
		if (!answer(&report))
			return 1;
	}
	return 0;
}

int
verb_distiller(int argc, char **argv)
{
	const struct sandbox limits = {MEMORY_BYTES, FILES};
	int r;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 1 || !is_socket(SOCKET)) {
		fputs(usage, stderr);
		return 2;
	}
	/* The node comes first, also for the processor. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "distiller", 0, 0, 0);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)avif_can(); /* has the library look at the machine */
	r = sandbox_enter(&limits);
	if (r < 0) {
		fprintf(stderr, "distiller: no sandbox: %s\n", strerror(-r));
		return 1;
	}
	_exit(serve());
}
