#include "proxy/node.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "admin/report.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/command.h"
#include "proxy/handoff.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/origin.h"
#include "proxy/purge_log.h"
#include "proxy/report.h"
#include "proxy/worker.h"

bool
node_prefixes_have(const struct node_prefixes *p, const struct in6_addr *addr)
{
	struct in_addr v4;

	if (!sock_unmapped(addr, &v4))
		return false;
	for (size_t i = 0; i < p->n; i++) {
		unsigned bits = p->v[i].bits;
		uint32_t mask = bits ? htonl(~UINT32_C(0) << (32 - bits)) : 0;

		if ((v4.s_addr & mask) == p->v[i].addr.s_addr)
			return true;
	}
	return false;
}

struct signals {
	struct source source;
	struct node *node; /* borrowed */
};

static void
on_signal(struct source *s, uint32_t events)
{
	struct node *n = container_of(s, struct signals, source)->node;
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		log_info("stopping signal=%u", info.ssi_signo);
		worker_stop_all(n);
	}
}

static void
on_admin(void *ctx, struct admin_request *request, struct str line)
{
	command_run(ctx, request, line);
}

static void *
run_worker(void *arg)
{
	loop_run(((struct worker *)arg)->loop);
	return NULL;
}

/* As many descriptors as we may have: each client and peer takes one. */
static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void
setup(struct node *n, const struct node_config *config)
{
	const char *name = config->peers[config->self].name;

	n->config = config;
	n->head_limits = (struct head_limits){
		.line = (uint32_t)config->limits.line_bytes,
		.field = (uint32_t)config->limits.field_bytes,
		.bytes = (uint32_t)config->limits.head_bytes,
		.fields = config->limits.fields,
	};
	n->membership = membership_new(n);
	n->heat = heat_new();
	n->purges = purge_log_new();
	/* Nodes that place differently must not take each other for peers. */
	n->rules_checksum = membership_rules_checksum(n);
	n->flight.limit_bytes = UINT64_MAX;
	n->origins = xcalloc(config->nsites, sizeof(*n->origins));
	for (size_t i = 0; i < config->nsites; i++)
		origins_init(&n->origins[i], &config->sites[i]);
	n->started_ns = clock_mono_ns();
	snprintf(n->cdn_id, sizeof(n->cdn_id), "sevenfold-%s", config->cluster);
	n->via = str_z(xasprintf("Via: 1.1 %s\r\n", name));
	n->cache_status =
		str_z(xasprintf("Via: 1.1 %s\r\nCache-Status: %s", name, name));
	pthread_mutex_init(&n->depots_lock, NULL);
	list_init(&n->depots);
	n->workers = xcalloc(config->workers, sizeof(struct worker *));
}

/* Whoever asks, by its socket or by HTTP. */
struct ears {
	struct admin_server *admin;
	struct report_server *report;
};

static void
teardown(struct node *n, struct ears *ears)
{
	handoff_unwatch(n->handoff);
	for (unsigned i = 0; i < n->config->workers; i++)
		if (n->workers[i])
			worker_end_all(n->workers[i]);
	report_close(ears->report);
	admin_close(ears->admin); /* what was being asked has been answered */
	for (unsigned i = 0; i < n->config->workers; i++)
		worker_free(n->workers[i]);
	handoff_close(n->handoff);
	free(n->workers);
	pthread_mutex_destroy(&n->depots_lock);
	free((char *)n->via.p);
	free((char *)n->cache_status.p);
	for (size_t i = 0; i < n->config->nsites; i++)
		origins_fini(&n->origins[i]);
	free(n->origins);
	heat_free(n->heat);
	membership_free(n->membership);
	purge_log_free(n->purges);
	store_free(n->store);
}

static int
listen_for_questions(struct node *n, struct ears *ears)
{
	const struct node_config *c = n->config;
	struct worker *first = n->workers[0];
	struct in_addr self = c->peers[c->self].addr;
	int r = admin_listen(
		first->loop, c->admin_socket, on_admin, first, &ears->admin);

	if (r < 0) {
		log_error("admin_socket_failed path=%s error=\"%s\"",
			c->admin_socket,
			r == -EADDRINUSE ? "another process answers there"
					 : strerror(-r));
		return r;
	}
	if (c->status_port)
		r = report_listen(first->loop, self, c->status_port,
			report_node, first, &ears->report);
	if (r < 0)
		log_error("listen_failed address=%s error=\"%s\"",
			sock_text(self, c->status_port).z, strerror(-r));
	return r;
}

/* With the first worker on this thread. The exit status. */
static int
run(struct node *n, struct signals *signals, const sigset_t *set,
	struct ears *ears)
{
	struct worker *first = n->workers[0];
	int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0 || loop_watch(first->loop, &signals->source, fd) < 0) {
		log_error("signalfd_failed error=\"%s\"", strerror(errno));
		return 1;
	}
	if (listen_for_questions(n, ears) < 0) {
		loop_close(first->loop, &signals->source);
		return 1;
	}
	for (unsigned i = 1; i < n->config->workers; i++)
		if (pthread_create(&n->workers[i]->thread, NULL, run_worker,
			    n->workers[i]) != 0)
			abort(); /* no memory for a thread at the start */
	loop_run(first->loop);
	for (unsigned i = 1; i < n->config->workers; i++)
		pthread_join(n->workers[i]->thread, NULL);
	loop_close(first->loop, &signals->source);
	return atomic_load(&n->deaf) ? 1 : 0;
}

int
node_run(const struct node_config *config)
{
	struct node n = {0};
	struct signals signals = {{.fd = -1, .on_io = on_signal}, &n};
	bool failed = false;
	struct ears ears = {0};
	sigset_t set;
	int status = 1;

	raise_limits();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* sendfile() and splice() can't be told otherwise. */
	signal(SIGPIPE, SIG_IGN);
	setup(&n, config);
	n.store = store_new(config->cache_bytes);
	failed = !n.store;
	if (failed)
		log_error("cache_failed error=\"%s\"", strerror(errno));
	n.handoff = handoff_open(config);
	for (unsigned i = 0; i < config->workers && !failed; i++) {
		n.workers[i] = worker_new(&n, i);
		failed = !n.workers[i];
	}
	if (!failed && n.handoff)
		failed = handoff_watch(n.handoff, n.workers[0]) < 0;
	if (!failed)
		status = run(&n, &signals, &set, &ears);
	teardown(&n, &ears);
	log_info("stopped");
	return status;
}
