#include "proxy/herald.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "handoff/notice.h"
#include "proxy/handoff.h"
#include "proxy/heat.h"

enum {
	HEARERS = 4,
	HEARER_MS = 10000, /* each is asked several times in that time */
};

struct hearer {
	struct sockaddr_in addr;
	uint64_t until_ns;
};

struct hearers {
	int fd; /* owned */
	/* Guards what follows: the first worker hears who asks, and all of them
	 * tell. */
	pthread_mutex_t lock;
	struct hearer v[HEARERS];
};

struct herald {
	struct worker *worker; /* borrowed */
	struct task flush;
	struct notice notice; /* of this turn */
};

/* --- who hears ------------------------------------------------------------ */

struct hearers *
hearers_new(const struct node_config *config)
{
	struct sockaddr_in self = {.sin_family = AF_INET,
		.sin_addr = config->peers[config->self].addr};
	struct hearers *hs;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	/* By which the balancer knows us. */
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		close(fd);
		return NULL;
	}
	hs = NEW(struct hearers);
	hs->fd = fd;
	pthread_mutex_init(&hs->lock, NULL);
	return hs;
}

void
hearers_free(struct hearers *hs)
{
	if (!hs)
		return;
	close(hs->fd);
	pthread_mutex_destroy(&hs->lock);
	free(hs);
}

static bool
is_same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_addr.s_addr == b->sin_addr.s_addr &&
		a->sin_port == b->sin_port;
}

/* Where it is, or else the place of the one that has not asked for longest. */
static struct hearer *
place_of(struct hearers *hs, const struct sockaddr_in *addr)
{
	struct hearer *oldest = &hs->v[0];

	for (int i = 0; i < HEARERS; i++) {
		if (is_same(&hs->v[i].addr, addr))
			return &hs->v[i];
		if (hs->v[i].until_ns < oldest->until_ns)
			oldest = &hs->v[i];
	}
	return oldest;
}

void
hearers_note(
	struct hearers *hs, const struct claims_question *q, uint64_t now_ns)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_addr = q->hear_addr,
		.sin_port = htons(q->hear_port)};
	struct hearer *h;

	if (!hs || !q->hear_port)
		return;
	pthread_mutex_lock(&hs->lock);
	h = place_of(hs, &addr);
	h->addr = addr;
	h->until_ns = now_ns + HEARER_MS * NS_PER_MS;
	pthread_mutex_unlock(&hs->lock);
}

/* How many there are now. */
static size_t
who_hears(struct hearers *hs, uint64_t now_ns, struct sockaddr_in *out)
{
	size_t n = 0;

	pthread_mutex_lock(&hs->lock);
	for (int i = 0; i < HEARERS; i++)
		if (hs->v[i].until_ns > now_ns)
			out[n++] = hs->v[i].addr;
	pthread_mutex_unlock(&hs->lock);
	return n;
}

/* --- what they hear ------------------------------------------------------- */

/* Whoever does not get it asks, after a while. */
static void
send_notice(struct herald *h, const struct sockaddr_in *to, size_t n)
{
	const struct node *node = h->worker->node;
	const struct node_config *config = node->config;
	struct notice_from from = {.secret = config->secret,
		.cluster = config->cluster,
		.node = config->peers[config->self].name};
	struct buf b = {0};

	h->notice.number = tenures_number(node->handoff->tenures);
	if (notice_put(&from, &h->notice, &b) == 0)
		for (size_t i = 0; i < n; i++)
			(void)sendto(node->handoff->hearers->fd, buf_head(&b),
				buf_len(&b), MSG_NOSIGNAL,
				(const struct sockaddr *)&to[i], sizeof(to[i]));
	buf_fini(&b);
}

static void
flush(struct herald *h)
{
	struct sockaddr_in to[HEARERS];
	struct worker *w = h->worker;
	size_t n =
		who_hears(w->node->handoff->hearers, loop_now_ns(w->loop), to);

	if (n) {
		send_notice(h, to, n);
		count(&w->counters.told, h->notice.n);
	}
	h->notice.n = 0;
}

static void
on_flush(struct task *t)
{
	flush(container_of(t, struct herald, flush));
}

struct herald *
herald_new(struct worker *w)
{
	struct herald *h = NEW(struct herald);

	h->worker = w;
	h->flush.run = on_flush;
	return h;
}

void
herald_free(struct herald *h)
{
	if (!h)
		return;
	task_cancel(&h->flush);
	free(h);
}

void
herald_tell(struct herald *h, const struct claim *c, struct in_addr giver)
{
	struct worker *w = h->worker;

	if (!w->node->handoff->hearers || !heat_links_are_scarce(w->node))
		return;
	h->notice.v[h->notice.n++] = (struct notice_move){*c, giver};
	if (h->notice.n == NOTICE_MAX)
		flush(h);
	else
		loop_defer(w->loop, &h->flush);
}
