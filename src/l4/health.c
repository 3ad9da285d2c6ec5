#include "l4/health.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define HEALTH_TIMER UINT32_MAX /* among the targets' numbers in epoll */

struct target {
	struct sockaddr_in addr;
	struct health_count count;
	int fd;		   /* owned; the check under way, or -1 */
	uint64_t begin_ns; /* of the check under way, or of the next one */
	bool asked;	   /* for the path; the answer is awaited */
	char answer[16];   /* its beginning */
	size_t got;
};

struct health {
	struct health_config config;
	int epoll; /* owned */
	int timer; /* owned */
	size_t n;
	struct target *targets; /* owned */
};

enum health_change
health_count_add(struct health_count *c, bool ok, unsigned fall, unsigned rise)
{
	bool first = !c->seen;

	c->seen = true;
	c->row = ok == c->up ? 0 : c->row + 1;
	if (!first && c->row < (c->up ? fall : rise))
		return HEALTH_SAME;
	c->row = 0;
	c->up = ok;
	return ok ? HEALTH_UP : HEALTH_DOWN;
}

static int
health_setup(struct health *h)
{
	struct epoll_event ev = {EPOLLIN, {.u32 = HEALTH_TIMER}};
	struct itimerspec soon = {.it_value.tv_nsec = 1};

	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0)
		return -errno;
	h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->timer < 0 ||
		epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->timer, &ev) < 0 ||
		timerfd_settime(h->timer, 0, &soon, NULL) < 0)
		return -errno;
	return 0;
}

int
health_open(const struct health_config *config,
	const struct sockaddr_in *targets, size_t n, struct health **out)
{
	struct health *h = NEW(struct health);
	int err;

	h->config = *config;
	h->epoll = h->timer = -1;
	h->n = n;
	h->targets = xcalloc(n, sizeof(*h->targets));
	for (size_t i = 0; i < n; i++)
		h->targets[i] = (struct target){.addr = targets[i], .fd = -1};
	err = health_setup(h);
	if (err) {
		health_close(h);
		return err;
	}
	*out = h;
	return 0;
}

static void rearm(struct health *h);

void
health_add(struct health *h, const struct sockaddr_in *target)
{
	h->targets = xrealloc(h->targets, (h->n + 1) * sizeof(*h->targets));
	h->targets[h->n++] = (struct target){
		.addr = *target, .fd = -1, .begin_ns = 1 /* at once */};
	rearm(h);
}

void
health_close(struct health *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		own_fd_(&h->targets[i].fd);
	own_fd_(&h->timer);
	own_fd_(&h->epoll);
	free(h->targets);
	free(h);
}

int
health_fd(const struct health *h)
{
	return h->epoll;
}

bool
health_up(const struct health *h, size_t target)
{
	return h->targets[target].count.up;
}

/* The check under way came to its end. */
static void
finish(struct health *h, struct target *t, uint64_t now_ns, int err)
{
	enum health_change change = health_count_add(
		&t->count, !err, h->config.fall, h->config.rise);

	own_fd_(&t->fd);
	t->fd = -1;
	t->begin_ns += h->config.interval_ns;
	if (t->begin_ns < now_ns)
		t->begin_ns = now_ns;
	h->config.on_check(
		h->config.ctx, (size_t)(t - h->targets), err, change);
}

static void
begin(struct health *h, struct target *t, uint64_t now_ns)
{
	struct epoll_event ev = {EPOLLOUT, {.u32 = (uint32_t)(t - h->targets)}};

	t->begin_ns = now_ns;
	t->asked = false;
	t->got = 0;
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, t->fd, &ev) < 0 ||
		(connect(t->fd, (struct sockaddr *)&t->addr, sizeof(t->addr)) <
				0 &&
			errno != EINPROGRESS))
		finish(h, t, now_ns, errno);
}

/* The status in the beginning of an answer; 0: more is needed; -EPROTO: this is
 * not HTTP/1. */
static int
status_in(const char *text, size_t n)
{
	static const char start[] = "HTTP/1.";
	int status = 0;

	if (memcmp(text, start, n < 7 ? n : 7) != 0)
		return -EPROTO;
	if (n < 12)
		return 0;
	if (text[8] != ' ')
		return -EPROTO;
	for (int i = 9; i < 12; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EPROTO;
		status = status * 10 + text[i] - '0';
	}
	return status;
}

const char *
health_reason(int err)
{
	static char text[32];

	if (err == ECONNABORTED)
		return "others can't reach it";
	if (err < HEALTH_STATUS)
		return strerror(err);
	snprintf(text, sizeof(text), "status %d", err - HEALTH_STATUS);
	return text;
}

/* Connected: asks for the path. What does not fit at once into the socket of a
 * new connection is a failure. */
static int
ask(struct health *h, struct target *t)
{
	struct epoll_event ev = {EPOLLIN, {.u32 = (uint32_t)(t - h->targets)}};
	char text[1024];
	int n = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: "
		"sevenfold-balancer\r\nConnection: close\r\n\r\n",
		h->config.path, h->config.host);

	t->asked = true;
	if (n >= (int)sizeof(text))
		return EMSGSIZE;
	if (send(t->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return errno ? errno : EAGAIN;
	return epoll_ctl(h->epoll, EPOLL_CTL_MOD, t->fd, &ev) < 0 ? errno : 0;
}

/* -1: the answer is not there yet; else as health_fn's err. */
static int
hear(struct target *t)
{
	ssize_t n =
		recv(t->fd, t->answer + t->got, sizeof(t->answer) - t->got, 0);
	int status;

	if (n < 0)
		return errno == EAGAIN ? -1 : errno;
	if (n == 0)
		return ECONNRESET;
	t->got += (size_t)n;
	status = status_in(t->answer, t->got);
	if (status <= 0)
		return status ? EPROTO : -1;
	return status >= 200 && status < 400 ? 0 : HEALTH_STATUS + status;
}

static void
on_event(struct health *h, struct target *t, uint64_t now_ns)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (t->fd < 0)
		return;
	if (t->asked)
		err = hear(t);
	else if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	else if (!err && h->config.path)
		err = ask(h, t) ?: -1;
	if (err >= 0)
		finish(h, t, now_ns, err);
}

/* When the target needs attention again, if no answer comes before. */
static uint64_t
due_ns(const struct health *h, const struct target *t)
{
	return t->begin_ns + (t->fd >= 0 ? h->config.timeout_ns : 0);
}

void
health_suspect(struct health *h, size_t target)
{
	struct target *t = &h->targets[target];

	finish(h, t, clock_mono_ns(), ECONNABORTED);
	t->begin_ns = clock_mono_ns();
	rearm(h);
}

static void
rearm(struct health *h)
{
	uint64_t first_ns = UINT64_MAX;
	struct itimerspec at = {0};

	for (size_t i = 0; i < h->n; i++)
		if (due_ns(h, &h->targets[i]) < first_ns)
			first_ns = due_ns(h, &h->targets[i]);
	at.it_value.tv_sec = (time_t)(first_ns / NS_PER_S);
	at.it_value.tv_nsec = (long)(first_ns % NS_PER_S);
	if (h->n)
		(void)timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

void
health_run(struct health *h)
{
	struct epoll_event ev[32];
	uint64_t now_ns = clock_mono_ns();
	int n;

	/* Answers before deadlines: if this process was kept waiting, that
	 * is not the target's fault. */
	while ((n = epoll_wait(h->epoll, ev, 32, 0)) > 0)
		for (int i = 0; i < n; i++) {
			uint64_t expirations;

			if (ev[i].data.u32 == HEALTH_TIMER)
				(void)!read(h->timer, &expirations,
					sizeof(expirations));
			else
				on_event(
					h, &h->targets[ev[i].data.u32], now_ns);
		}
	for (size_t i = 0; i < h->n; i++) {
		struct target *t = &h->targets[i];

		if (t->fd >= 0 && due_ns(h, t) <= now_ns)
			finish(h, t, now_ns, ETIMEDOUT);
		if (t->fd < 0 && due_ns(h, t) <= now_ns)
			begin(h, t, now_ns);
	}
	rearm(h);
}
