#pragma once
/*
 * For tests: a unix socket in a folder of its own, and a thread that answers
 * connections to it, one after the other: all in the same way, or each in its
 * own.
 */
#include "base/check.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct test_server {
	char dir[64];
	char path[108];
	const char *answer; /* NULL: none, and the connection stays open */
	const char *const *later; /* those after the first, then NULL: from then
				     on it is the last; NULL: no others */
	char asked[256];	  /* what came with the last one answered */
	int fd;
	pthread_t thread;
};

static inline void
test_server_serve(struct test_server *s, int fd)
{
	size_t left = s->answer ? strlen(s->answer) : 0;
	ssize_t n = read(fd, s->asked, sizeof(s->asked) - 1);

	s->asked[n > 0 ? n : 0] = 0;
	for (const char *p = s->answer; left > 0;) {
		/* in small parts: the reader has to put them together */
		n = write(fd, p, left < 1000 ? left : 1000);
		if (n < 0)
			break;
		p += n;
		left -= (size_t)n;
	}
	if (!s->answer)
		(void)!read(fd, s->asked, 1); /* until the other side ends */
	close(fd);
}

static inline void *
test_server_run(void *arg)
{
	struct test_server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		test_server_serve(s, fd);
		if (s->later && *s->later)
			s->answer = *s->later++;
	}
	return NULL;
}

/* Answers are borrowed until the end. */
static inline void
test_server_start_with(struct test_server *s, const char *name,
	const char *answer, const char *const *later)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*s = (struct test_server){.answer = answer, .later = later};
	strcpy(s->dir, "/tmp/sevenfold-admin-test-XXXXXX");
	CHECK(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/%s", s->dir, name);
	strcpy(addr.sun_path, s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CHECK(listen(s->fd, 8) == 0);
	CHECK(pthread_create(&s->thread, NULL, test_server_run, s) == 0);
}

static inline void
test_server_start(struct test_server *s, const char *name, const char *answer)
{
	test_server_start_with(s, name, answer, NULL);
}

/* From here on nobody listens there, though the socket is still to be seen. */
static inline void
test_server_stop(struct test_server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static inline void
test_server_remove(struct test_server *s)
{
	unlink(s->path);
	rmdir(s->dir);
}
