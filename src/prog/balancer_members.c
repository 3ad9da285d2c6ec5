#include "prog/balancer_members.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "http/head.h"
#include "net/sock.h"
#include "placement/census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ASK_EVERY_MS = 250, READ_BYTES = 16384, ANSWER_MAX = 65536 };

static const char question[] = "GET /members HTTP/1.1\r\nHost: node\r\n"
			       "User-Agent: sevenfold-balancer\r\n"
			       "Connection: close\r\n\r\n";

struct members {
	struct loop *loop; /* borrowed */
	struct members_user user;
	uint16_t port;
	struct roster roster;
	bool suspected[VIEW_MAX_NODES]; /* by whoever was asked last */
	struct timer timer;
	/* the question under way */
	struct source io;
	size_t asked; /* the member's index */
	bool sent;
	struct buf answer;
};

const struct roster *
members_roster(const struct members *m)
{
	return &m->roster;
}

/* --- what is answered ----------------------------------------------------- */

static void
heed_suspicions(struct members *m, const struct census *c)
{
	for (size_t i = 0; i < c->roster.n; i++) {
		int at = roster_find(&m->roster, str_z(c->roster.v[i].name));

		if (at < 0)
			continue;
		if (c->down[i] && !m->suspected[at])
			m->user.on_suspect(m->user.ctx, (size_t)at);
		m->suspected[at] = c->down[i];
	}
}

/* What was answered, whole. False: it makes no sense. */
static bool
heed(struct members *m, struct str answer)
{
	struct census c;
	struct head h;
	bool lacking;

	if (head_parse_response(answer, &h) != HEAD_DONE || h.status != 200 ||
		!census_parse(
			str_of(answer.p + h.bytes, answer.n - h.bytes), &c))
		return false;
	if (roster_merge(&m->roster, &c.roster, &lacking) == ROSTER_NEWS)
		m->user.on_news(m->user.ctx, &m->roster);
	heed_suspicions(m, &c);
	return true;
}

/* --- asking --------------------------------------------------------------- */

static void
stop_asking(struct members *m)
{
	loop_close(m->loop, &m->io);
	buf_consume(&m->answer, buf_len(&m->answer));
	m->sent = false;
}

static void
send_question(struct members *m)
{
	m->sent = true;
	if (sock_error(m->io.fd) < 0 ||
		send(m->io.fd, question, sizeof(question) - 1, MSG_NOSIGNAL) !=
			sizeof(question) - 1)
		stop_asking(m); /* another will do */
}

static void
read_answer(struct members *m)
{
	ssize_t n;

	do {
		n = recv(m->io.fd, buf_reserve(&m->answer, READ_BYTES),
			READ_BYTES, 0);
		if (n > 0)
			buf_commit(&m->answer, (size_t)n);
	} while (n > 0 && buf_len(&m->answer) <= ANSWER_MAX);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 0 && !heed(m, buf_view(&m->answer)))
		log_warn("members_malformed node=%s",
			m->roster.v[m->asked].name);
	stop_asking(m);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct members *m = container_of(s, struct members, io);

	if (!m->sent && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		send_question(m);
	if (m->io.fd >= 0 && m->sent && events & (EPOLLIN | EPOLLHUP))
		read_answer(m);
}

static void
ask(struct members *m, size_t i)
{
	struct in_addr any = {0};
	int fd = sock_connect(any, m->roster.v[i].addr, m->port);

	m->asked = i;
	if (fd >= 0 && loop_watch(m->loop, &m->io, fd) < 0)
		(void)close(fd);
}

/* Whoever has not answered by now is left. */
static void
on_timer(struct timer *t)
{
	struct members *m = container_of(t, struct members, timer);
	size_t n = m->roster.n, i = m->asked;

	stop_asking(m);
	do
		i = (i + 1) % n;
	while (i != m->asked && !m->user.is_up(m->user.ctx, i));
	ask(m, i);
	loop_arm(m->loop, t, ASK_EVERY_MS * NS_PER_MS);
}

struct members *
members_new(
	struct loop *l, const struct conf *c, const struct members_user *user)
{
	struct members *m = NEW(struct members);

	m->loop = l;
	m->user = *user;
	m->port = c->status_port;
	m->io = (struct source){.fd = -1, .on_io = on_io};
	m->timer.on_timer = on_timer;
	for (size_t i = 0; i < c->nnodes; i++) {
		struct roster_entry e = {
			.addr = c->nodes[i].addr, .weight = c->nodes[i].weight};

		snprintf(e.name, sizeof(e.name), "%s", c->nodes[i].name);
		(void)roster_add(&m->roster, &e); /* conf sees to both */
	}
	if (m->port)
		loop_arm(l, &m->timer, ASK_EVERY_MS * NS_PER_MS);
	return m;
}

void
members_free(struct members *m)
{
	if (!m)
		return;
	loop_disarm(m->loop, &m->timer);
	stop_asking(m);
	buf_fini(&m->answer);
	free(m);
}
