#include "net/dns.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	MAX_SOCKETS = 16,
	/* Together less than an origin has to accept a connection, so that
	 * what is known already is used in time. */
	TIMEOUT_MS = 1000,
	TRIES = 2,
	TTL_MIN_S = 1, /* a TTL of 0 still serves those who ask together */
	TTL_MAX_S = 3600,
	TTL_FAILED_S = 2,
	STALE_S = 3600,
	NAMES_MAX = 1024, /* known names; beyond it the oldest goes */
};

/* A name that is known, or being looked up (then it has waiters). */
struct name {
	struct list link;	   /* in resolver.names, newest last */
	struct resolver *resolver; /* borrowed */
	struct list waiters;	   /* struct dns_query */
	bool busy;
	bool stale; /* addrs are old: the last lookup failed */
	int status;
	struct dns_addrs addrs; /* if status is 0 */
	uint64_t until_ns, stale_until_ns;
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

static bool
use_server(ares_channel ares, struct in_addr server, uint16_t port)
{
	struct ares_addr_port_node node = {
		.family = AF_INET,
		.addr.addr4 = server,
		.udp_port = port,
		.tcp_port = port,
	};

	return port == 0 || ares_set_servers_ports(ares, &node) == ARES_SUCCESS;
}

struct resolver *
resolver_new(struct loop *l, struct in_addr server, uint16_t port)
{
	struct resolver *r = NEW(struct resolver);
	struct ares_options o = {
		.sock_state_cb = on_socket,
		.sock_state_cb_data = r,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
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
	/* Names that only that server knows are better not found than looked
	 * for elsewhere. */
	if (r->have_ares && !use_server(r->ares, server, port)) {
		ares_destroy(r->ares);
		r->have_ares = false;
	}
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

/* Of a copy: whoever is told may ask for more names, and so be the end of n. */
static void
answer(const struct name *n, struct dns_query *q)
{
	struct dns_addrs addrs = n->addrs;

	q->on_answer(q, n->status, n->status == 0 ? &addrs : NULL);
}

static void
settle(struct name *n, uint64_t ttl_s)
{
	struct list *it;

	n->until_ns = loop_now_ns(n->resolver->loop) + ttl_s * NS_PER_S;
	while ((it = list_pop_front(&n->waiters)))
		answer(n, container_of(it, struct dns_query, link));
	n->busy = false; /* only now: busy ones stay */
}

static void
settle_found(struct name *n, const struct dns_addrs *addrs, int ttl_s)
{
	uint64_t ttl = ttl_s < TTL_MIN_S ? TTL_MIN_S
		: ttl_s > TTL_MAX_S	 ? TTL_MAX_S
					 : (uint64_t)ttl_s;

	n->status = 0;
	n->stale = false;
	n->addrs = *addrs;
	n->stale_until_ns =
		loop_now_ns(n->resolver->loop) + (ttl + STALE_S) * NS_PER_S;
	settle(n, ttl);
}

/* A server that says "no such name" is to be believed; one that says nothing,
 * or that it can't, leaves us with what we know. */
static void
settle_failed(struct name *n, int status)
{
	n->stale = status != -ENOENT && n->addrs.n > 0 &&
		loop_now_ns(n->resolver->loop) < n->stale_until_ns;
	n->status = n->stale ? 0 : status;
	if (!n->stale)
		n->addrs.n = 0;
	settle(n, TTL_FAILED_S);
}

static int
shortest_ttl_s(const struct ares_addrinfo *ai)
{
	int ttl_s = TTL_MAX_S;

	for (struct ares_addrinfo_node *a = ai->nodes; a; a = a->ai_next)
		if (a->ai_ttl < ttl_s)
			ttl_s = a->ai_ttl;
	for (struct ares_addrinfo_cname *c = ai->cnames; c; c = c->next)
		if (c->ttl < ttl_s)
			ttl_s = c->ttl;
	return ttl_s;
}

static void
collect(const struct ares_addrinfo *ai, struct dns_addrs *out)
{
	for (struct ares_addrinfo_node *a = ai->nodes; a; a = a->ai_next)
		if (a->ai_family == AF_INET && out->n < DNS_ADDRS_MAX)
			out->v[out->n++] =
				((struct sockaddr_in *)(void *)a->ai_addr)
					->sin_addr;
}

static int
status_of(int ares_status)
{
	switch (ares_status) {
	case ARES_SUCCESS: /* but no address */
	case ARES_ENOTFOUND:
	case ARES_ENODATA: return -ENOENT;
	case ARES_ETIMEOUT: return -ETIMEDOUT;
	default: return -EIO;
	}
}

static void
on_addrinfo(void *ctx, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct name *n = ctx;
	struct dns_addrs addrs = {0};
	int ttl_s = 0;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	if (ai) {
		collect(ai, &addrs);
		ttl_s = shortest_ttl_s(ai);
		ares_freeaddrinfo(ai);
	}
	if (addrs.n)
		settle_found(n, &addrs, ttl_s);
	else
		settle_failed(n, status_of(status));
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

static void
look_up(struct name *n)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = AF_INET, .ai_flags = ARES_AI_NOSORT};

	if (n->busy)
		return;
	n->busy = true;
	/* May answer at once (from the hosts file, say). */
	ares_getaddrinfo(n->resolver->ares, n->z, NULL, &hints, on_addrinfo, n);
	arm(n->resolver);
}

/* What is known answers, though it be old: then it is looked up as well. */
static bool
is_known(const struct name *n)
{
	uint64_t now_ns = loop_now_ns(n->resolver->loop);

	return now_ns < n->until_ns || (n->stale && now_ns < n->stale_until_ns);
}

void
resolver_ask(struct resolver *r, struct str z, struct dns_query *q)
{
	struct dns_addrs literal = {.n = 1};
	struct name *n;

	list_init(&q->link);
	if (str_addr(z, AF_INET, &literal.v[0])) {
		q->on_answer(q, 0, &literal);
		return;
	}
	if (!r->have_ares) {
		q->on_answer(q, -EIO, NULL);
		return;
	}
	n = name_find(r, z);
	if (!n)
		n = name_new(r, z);
	if (loop_now_ns(r->loop) >= n->until_ns)
		look_up(n);
	if (is_known(n))
		answer(n, q);
	else
		list_push_back(&n->waiters, &q->link);
}

void
dns_query_cancel(struct dns_query *q)
{
	list_remove(&q->link);
}
