#include "prog/balancer_notices.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "l4/route.h"
#include "placement/view.h"
#include "prog/balancer_members.h"

enum {
	/* In our socket. Twice as long may be between two packets of a client
	 * by way of the giver. */
	LATE_US = 500000,
	DATAGRAM_MAX = 2048,
	AT_ONCE = 64, /* then others have their turn */
	/* Numbers of an earlier process, by a clock that was ahead, are more
	 * than so many ahead. */
	FAR = 1000000000,
};

struct notices {
	struct program *program; /* borrowed */
	struct notices_user user;
	struct source io;
	struct sockaddr_in own;
	/* By member: the largest number so far; UINT64_MAX until it has
	 * answered a question: what it seems to say may be a repetition. */
	uint64_t last[VIEW_MAX_NODES];
	struct notice heard;
};

/* --- what is heard -------------------------------------------------------- */

/* The member's index, or -1. One that has left may have had the address. */
static int
who_says(struct notices *n, struct str datagram, struct in_addr addr)
{
	const struct roster *r = members_roster(n->program->members);
	struct notice_from from = {
		.secret = n->user.secret, .cluster = n->program->conf->cluster};

	for (size_t i = 0; i < r->n; i++) {
		from.node = r->v[i].name;
		if (r->v[i].addr.s_addr == addr.s_addr &&
			notice_take(&from, datagram, &n->heard))
			return (int)i;
	}
	return -1;
}

static void
hear(struct notices *n, struct str datagram, struct in_addr addr, bool late)
{
	int i = who_says(n, datagram, addr);

	if (i < 0) {
		n->user.on_untrusted(n->user.ctx);
		return;
	}
	if (n->heard.number <= n->last[i])
		return;
	n->last[i] = n->heard.number;
	if (!late)
		n->user.on_notice(n->user.ctx, (size_t)i, &n->heard);
}

/* When did the kernel get it? By a clock that has been set since, it is late.
 */
static bool
is_late(struct msghdr *m)
{
	struct timespec then, now;
	int64_t age_us;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
			c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&then, CMSG_DATA(c), sizeof(then));
		clock_gettime(CLOCK_REALTIME, &now);
		age_us = (now.tv_sec - then.tv_sec) * 1000000 +
			(now.tv_nsec - then.tv_nsec) / 1000;
		return age_us < 0 || age_us > LATE_US;
	}
	return true;
}

static bool
hear_one(struct notices *n)
{
	char text[DATAGRAM_MAX];
	char control[CMSG_SPACE(sizeof(struct timespec))];
	struct sockaddr_in from = {0};
	struct iovec v = {text, sizeof(text)};
	struct msghdr m = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(n->io.fd, &m, 0);

	if (got < 0)
		return false;
	hear(n, str_of(text, (size_t)got), from.sin_addr, is_late(&m));
	return true;
}

static void
on_io(struct source *s, uint32_t events)
{
	struct notices *n = container_of(s, struct notices, io);

	(void)events;
	for (int i = 0; i < AT_ONCE && hear_one(n); i++)
		;
}

/* --- the whole ------------------------------------------------------------ */

/* By which nodes see us. */
static int
own_address(const struct program *p, struct sockaddr_in *out)
{
	union l4_addr to = member_addr(p->conf->nodes[0].addr);
	struct route r = {0};
	int err = route_get(&to, &r);

	*out = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = r.source.w[3]};
	return err;
}

static int
listen_at(struct sockaddr_in *own)
{
	own_fd int fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(*own);
	int one = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)own, n) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) <
			0 ||
		getsockname(fd, (struct sockaddr *)own, &n) < 0)
		return -errno;
	return take_fd(&fd);
}

struct notices *
notices_new(struct program *p, const struct notices_user *user)
{
	struct notices *n = NEW(struct notices);
	int err = own_address(p, &n->own);
	int fd = err ? err : listen_at(&n->own);

	n->program = p;
	n->user = *user;
	n->io.on_io = on_io;
	/* Level-triggered: what is left is an event again. */
	if (fd >= 0)
		err = loop_watch_foreign(p->loop, &n->io, fd, EPOLLIN);
	if (fd < 0 || err) {
		if (fd >= 0)
			close(fd);
		free(n);
		errno = fd < 0 ? -fd : -err;
		return NULL;
	}
	for (size_t i = 0; i < VIEW_MAX_NODES; i++)
		n->last[i] = UINT64_MAX;
	return n;
}

void
notices_free(struct notices *n)
{
	int fd = n ? n->io.fd : -1;

	if (!n)
		return;
	(void)loop_watch_foreign(n->program->loop, &n->io, fd, 0);
	close(fd);
	free(n);
}

void
notices_where(const struct notices *n, struct claims_question *q)
{
	if (!n)
		return;
	q->hear_addr = n->own.sin_addr;
	q->hear_port = ntohs(n->own.sin_port);
}

void
notices_since(struct notices *n, size_t member, uint64_t number)
{
	uint64_t *last;

	if (!n)
		return;
	last = &n->last[member];
	if (number > *last || *last - number > FAR)
		*last = number;
}
