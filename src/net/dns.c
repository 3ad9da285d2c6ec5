#include "net/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	MAX_SOCKETS = 16,
	TTL_MIN_S = 1, /* a TTL of 0 still serves those who ask together */
	TTL_MAX_S = 300,
	TTL_FAILED_S = 2,
	NAMES_MAX = 1024, /* known names; beyond it the oldest goes */
};

/* A name that is known, or being looked up (then it has waiters). */
struct name {
	struct list link;	   /* in resolver.names, newest last */
	struct resolver *resolver; /* borrowed */
	struct list waiters;	   /* struct dns_query */
	bool busy;
	int status;
	struct in_addr addr;
	uint64_t until_ns;
	char z[];
};

struct ares_source {
	struct source source;
	struct resolver *resolver; /* borrowed */
};

struct resolver {
	struct loop *loop; /* borrowed */
	ares_channel ares;
	bool have_ares;
	struct timer timer;
	struct ares_source sources[MAX_SOCKETS];
	struct list names;
	size_t nnames;
};

static void
arm(struct resolver *r)
{
	struct timeval most = {1, 0}, left;

	if (!ares_timeout(r->ares, NULL, &left)) {
		loop_disarm(r->loop, &r->timer);
		return;
	}
	ares_timeout(r->ares, &most, &left);
	loop_arm(r->loop, &r->timer,
		(uint64_t)left.tv_sec * NS_PER_S +
			(uint64_t)left.tv_usec * 1000 + NS_PER_MS);
}

static void
on_timer(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, timer);

	ares_process_fd(r->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(r);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct ares_source *a = container_of(s, struct ares_source, source);
	int fd = s->fd;
	bool out = events & (EPOLLOUT | EPOLLERR | EPOLLHUP);
	bool in = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	ares_process_fd(a->resolver->ares, in ? fd : ARES_SOCKET_BAD,
		out ? fd : ARES_SOCKET_BAD);
	arm(a->resolver);
}

/* c-ares opens, closes and says what it waits for on each socket. */
static void
on_socket(void *ctx, ares_socket_t fd, int in, int out)
{
	struct resolver *r = ctx;
	struct ares_source *a = NULL;
	uint32_t events = (in ? EPOLLIN : 0u) | (out ? EPOLLOUT : 0u);

	for (size_t i = 0; i < MAX_SOCKETS && !a; i++)
		if (r->sources[i].source.fd == fd)
			a = &r->sources[i];
	for (size_t i = 0; i < MAX_SOCKETS && !a && events; i++)
		if (r->sources[i].source.fd < 0)
			a = &r->sources[i];
	/* Without a free slot the query times out, and is answered so. */
	if (a)
		(void)loop_watch_foreign(r->loop, &a->source, fd, events);
}

struct resolver *
resolver_new(struct loop *l)
{
	struct resolver *r = NEW(struct resolver);
	struct ares_options o = {
		.sock_state_cb = on_socket,
		.sock_state_cb_data = r,
		.timeout = 1000,
		.tries = 3,
	};

	r->loop = l;
	r->timer.on_timer = on_timer;
	list_init(&r->names);
	for (size_t i = 0; i < MAX_SOCKETS; i++)
		r->sources[i] =
			(struct ares_source){{.fd = -1, .on_io = on_io}, r};
	if (ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS)
		r->have_ares =
			ares_init_options(&r->ares, &o,
				ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS |
					ARES_OPT_TRIES) == ARES_SUCCESS;
	return r;
}

static void
name_free(struct name *n)
{
	list_foreach_safe (it, &n->waiters)
		list_remove(it);
	list_remove(&n->link);
	free(n);
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	if (r->have_ares)
		ares_destroy(r->ares);
	ares_library_cleanup();
	list_foreach_safe (it, &r->names)
		name_free(container_of(it, struct name, link));
	loop_disarm(r->loop, &r->timer);
	free(r);
}

static void
settle(struct name *n, int status, struct in_addr addr, int ttl_s)
{
	struct list *it;

	n->busy = false;
	n->status = status;
	n->addr = addr;
	n->until_ns =
		loop_now_ns(n->resolver->loop) + (uint64_t)ttl_s * NS_PER_S;
	while ((it = list_pop_front(&n->waiters))) {
		struct dns_query *q = container_of(it, struct dns_query, link);

		q->on_answer(q, status, addr);
	}
}

static void
on_addrinfo(void *ctx, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct name *n = ctx;
	struct in_addr none = {0};

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	for (struct ares_addrinfo_node *a = ai ? ai->nodes : NULL; a;
		a = a->ai_next) {
		struct sockaddr_in *in = (void *)a->ai_addr;
		int ttl_s = a->ai_ttl;

		if (a->ai_family != AF_INET)
			continue;
		settle(n, 0, in->sin_addr,
			ttl_s < TTL_MIN_S	    ? TTL_MIN_S
				: ttl_s > TTL_MAX_S ? TTL_MAX_S
						    : ttl_s);
		ares_freeaddrinfo(ai);
		return;
	}
	if (ai)
		ares_freeaddrinfo(ai);
	settle(n,
		status == ARES_ETIMEOUT ? -ETIMEDOUT
			: status == ARES_ENOTFOUND || status == ARES_ENODATA
			? -ENOENT
			: -EIO,
		none, TTL_FAILED_S);
}

static struct name *
name_find(struct resolver *r, struct str z)
{
	list_foreach (it, &r->names) {
		struct name *n = container_of(it, struct name, link);

		if (str_ieq(str_z(n->z), z))
			return n;
	}
	return NULL;
}

static struct name *
name_new(struct resolver *r, struct str z)
{
	struct name *n = xcalloc(1, sizeof(*n) + z.n + 1);

	if (r->nnames >= NAMES_MAX)
		list_foreach (it, &r->names) {
			struct name *old = container_of(it, struct name, link);

			if (old->busy)
				continue;
			name_free(old);
			r->nnames--;
			break;
		}
	n->resolver = r;
	memcpy(n->z, z.p, z.n);
	list_init(&n->waiters);
	list_push_back(&r->names, &n->link);
	r->nnames++;
	return n;
}

static bool
is_address(struct str z, struct in_addr *out)
{
	char text[INET_ADDRSTRLEN];

	if (z.n >= sizeof(text))
		return false;
	memcpy(text, z.p, z.n);
	text[z.n] = '\0';
	return inet_pton(AF_INET, text, out) == 1;
}

void
resolver_ask(struct resolver *r, struct str z, struct dns_query *q)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_INET};
	struct in_addr addr = {0};
	struct name *n;

	list_init(&q->link);
	if (is_address(z, &addr)) {
		q->on_answer(q, 0, addr);
		return;
	}
	if (!r->have_ares) {
		q->on_answer(q, -EIO, addr);
		return;
	}
	n = name_find(r, z);
	if (n && !n->busy && loop_now_ns(r->loop) < n->until_ns) {
		q->on_answer(q, n->status, n->addr);
		return;
	}
	if (!n)
		n = name_new(r, z);
	list_push_back(&n->waiters, &q->link);
	if (n->busy)
		return;
	n->busy = true;
	/* May answer at once (from the hosts file, say). */
	ares_getaddrinfo(r->ares, n->z, NULL, &hints, on_addrinfo, n);
	arm(r);
}

void
dns_query_cancel(struct dns_query *q)
{
	list_remove(&q->link);
}
