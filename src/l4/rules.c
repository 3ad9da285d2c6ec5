#include "l4/rules.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rules *
rules_new(void)
{
	return NEW(struct rules);
}

static void *
copy_of(const void *p, size_t n, size_t size)
{
	void *copy = xcalloc(n ? n : 1, size);

	if (n)
		memcpy(copy, p, n * size);
	return copy;
}

struct rules *
rules_copy(const struct rules *r)
{
	struct rules *c = NEW(struct rules);

	*c = *r;
	c->services = copy_of(r->services, r->n, sizeof(*r->services));
	c->fronts = copy_of(r->fronts, r->nfronts, sizeof(*r->fronts));
	c->trash = copy_of(r->trash, r->ntrash, sizeof(*r->trash));
	for (size_t i = 0; i < c->n; i++) {
		struct rules_service *s = &c->services[i];

		s->servers =
			copy_of(s->servers, s->nservers, sizeof(*s->servers));
		s->ends = copy_of(s->ends, s->nends, sizeof(*s->ends));
	}
	return c;
}

static void
service_fini(struct rules_service *s)
{
	free(s->servers);
	free(s->ends);
}

void
rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		service_fini(&r->services[i]);
	free(r->services);
	free(r->fronts);
	free(r->trash);
	free(r);
}

static bool
same_addr(const union l4_addr *a, const union l4_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
rules_same_id(const struct rules_id *a, const struct rules_id *b)
{
	if (a->mark || b->mark)
		return a->mark == b->mark && a->v6 == b->v6;
	return a->proto == b->proto && a->port == b->port &&
		same_addr(&a->addr, &b->addr);
}

struct rules_service *
rules_find(const struct rules *r, const struct rules_id *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (rules_same_id(&r->services[i].id, id))
			return &r->services[i];
	return NULL;
}

struct rules_server *
rules_server(
	const struct rules_service *s, const union l4_addr *addr, uint16_t port)
{
	for (size_t i = 0; i < s->nservers; i++)
		if (s->servers[i].port == port &&
			same_addr(&s->servers[i].addr, addr))
			return &s->servers[i];
	return NULL;
}

/* --- services ------------------------------------------------------------- */

/* The lowest number that no service has, nor one in the trash. 0: none. */
static uint16_t
free_service(const struct rules *r)
{
	for (uint16_t n = 1; n < L4_SERVICES_MAX; n++) {
		bool used = false;

		for (size_t i = 0; i < r->n; i++)
			used |= r->services[i].number == n;
		for (size_t i = 0; i < r->ntrash; i++)
			used |= r->trash[i].service == n;
		if (!used)
			return n;
	}
	return 0;
}

static int
check_service(const struct rules_service *s)
{
	if (!s->id.mark && !s->id.port && !(s->flags & L4_PERSISTENT))
		return -EINVAL;
	if ((s->flags & L4_ONE_PACKET) && !s->id.mark &&
		s->id.proto != 17 /* UDP */)
		return -EINVAL;
	return s->scheduler < L4_SCHEDULERS ? 0 : -ENOENT;
}

int
rules_add(struct rules *r, const struct rules_service *s)
{
	struct rules_service *new;
	uint16_t number = free_service(r);
	int err = check_service(s);

	if (err)
		return err;
	if (rules_find(r, &s->id))
		return -EEXIST;
	if (!number)
		return -ENOSPC;
	r->services = xrealloc(r->services, (r->n + 1) * sizeof(*new));
	new = &r->services[r->n++];
	*new = (struct rules_service){.id = s->id,
		.scheduler = s->scheduler,
		.flags = s->flags,
		.persist_s = s->persist_s,
		.mask = s->mask,
		.number = number,
		.created = true};
	if (s->id.mark)
		new->flags |= L4_BY_MARK;
	return 0;
}

int
rules_edit(struct rules *r, const struct rules_service *s)
{
	struct rules_service *old = rules_find(r, &s->id);
	int err = check_service(s);

	if (!old)
		return -ESRCH;
	if (err)
		return err;
	old->rescheduled |= old->scheduler != s->scheduler;
	old->scheduler = s->scheduler;
	old->flags = (uint16_t)(s->flags | (old->flags & L4_BY_MARK));
	old->persist_s = s->persist_s;
	old->mask = s->mask;
	return 0;
}

static void
trash(struct rules *r, const struct rules_service *s,
	const struct rules_server *server, uint64_t now_s)
{
	struct rules_trash *t;

	r->trash = xrealloc(r->trash, (r->ntrash + 1) * sizeof(*t));
	t = &r->trash[r->ntrash++];
	*t = (struct rules_trash){
		.id = s->id, .service = s->number, .server = *server};
	t->server.removed_s = now_s;
}

int
rules_delete(struct rules *r, const struct rules_id *id, uint64_t now_s)
{
	struct rules_service *s = rules_find(r, id);

	if (!s)
		return -ESRCH;
	for (size_t i = 0; i < s->nservers; i++)
		trash(r, s, &s->servers[i], now_s);
	service_fini(s);
	r->n--;
	memmove(s, s + 1, (size_t)(&r->services[r->n] - s) * sizeof(*s));
	return 0;
}

void
rules_clear(struct rules *r, uint64_t now_s)
{
	while (r->n)
		(void)rules_delete(r, &r->services[0].id, now_s);
}

/* --- servers ----------------------------------------------------------------
 */

static uint16_t
free_number(const struct rules *r)
{
	static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	uint8_t used[L4_DESTS_MAX / 8] = {1};

	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->services[i].nservers; k++) {
			uint16_t n = r->services[i].servers[k].number;

			used[n / 8] |= bit[n % 8];
		}
	for (size_t i = 0; i < r->ntrash; i++) {
		uint16_t n = r->trash[i].server.number;

		used[n / 8] |= bit[n % 8];
	}
	for (uint16_t n = 1; n < L4_DESTS_MAX; n++)
		if (!(used[n / 8] & bit[n % 8]))
			return n;
	return 0;
}

/* Out of the trash, with its number and so its counts and flows; as IPVS does
 * within two minutes. 0: it is not there. */
static uint16_t
revive(struct rules *r, const struct rules_service *s,
	const struct rules_server *server)
{
	for (size_t i = 0; i < r->ntrash; i++) {
		struct rules_trash *t = &r->trash[i];
		uint16_t number = t->server.number;

		if (!rules_same_id(&t->id, &s->id) ||
			t->server.port != server->port ||
			!same_addr(&t->server.addr, &server->addr))
			continue;
		*t = r->trash[--r->ntrash];
		return number;
	}
	return 0;
}

static int
check_server(const struct rules_service *s, const struct rules_server *server)
{
	if (server->lower > server->upper)
		return -ERANGE;
	/* Direct routing and tunnels leave the port as it is. */
	if (server->method != L4_MASQ && !s->id.mark &&
		server->port != s->id.port)
		return -EINVAL;
	return 0;
}

int
rules_server_add(struct rules *r, const struct rules_id *id,
	const struct rules_server *server)
{
	struct rules_service *s = rules_find(r, id);
	struct rules_server *new;
	uint16_t number;
	int err;

	if (!s)
		return -ESRCH;
	if (rules_server(s, &server->addr, server->port))
		return -EEXIST;
	err = check_server(s, server);
	if (err)
		return err;
	number = revive(r, s, server);
	if (!number)
		number = free_number(r);
	if (!number || s->nservers == L4_SERVICE_DESTS_MAX)
		return -ENOSPC;
	s->servers = xrealloc(s->servers, (s->nservers + 1) * sizeof(*new));
	memmove(s->servers + 1, s->servers, s->nservers * sizeof(*new));
	s->nservers++;
	new = &s->servers[0];
	*new = *server;
	new->number = number;
	new->last_weight = server->weight;
	new->share = server->share ? server->share : 1000;
	s->changed = true;
	return 0;
}

int
rules_server_edit(struct rules *r, const struct rules_id *id,
	const struct rules_server *server)
{
	struct rules_service *s = rules_find(r, id);
	struct rules_server *old;
	int err;

	if (!s)
		return -ESRCH;
	old = rules_server(s, &server->addr, server->port);
	if (!old)
		return -ENOENT;
	err = check_server(s, server);
	if (err)
		return err;
	old->weight = server->weight;
	if (server->weight)
		old->last_weight = server->weight;
	old->upper = server->upper;
	old->lower = server->lower;
	old->method = server->method;
	old->tun = server->tun;
	old->tun_port = server->tun_port;
	old->tun_csum = server->tun_csum;
	s->changed = true;
	return 0;
}

int
rules_server_delete(struct rules *r, const struct rules_id *id,
	const union l4_addr *addr, uint16_t port, uint64_t now_s)
{
	struct rules_service *s = rules_find(r, id);
	struct rules_server *old;

	if (!s)
		return -ESRCH;
	old = rules_server(s, addr, port);
	if (!old)
		return -ENOENT;
	trash(r, s, old, now_s);
	s->nservers--;
	memmove(old, old + 1,
		(size_t)(&s->servers[s->nservers] - old) * sizeof(*old));
	s->changed = true;
	return 0;
}

bool
rules_sweep_trash(
	struct rules *r, const struct l4_count *counts, uint64_t now_s)
{
	size_t kept = 0, before = r->ntrash;

	for (size_t i = 0; i < r->ntrash; i++) {
		const struct rules_trash *t = &r->trash[i];
		const struct l4_count *c = &counts[t->server.number];
		bool flows = c->active > 0 || c->inactive > 0 || c->templates;

		if (flows || now_s < t->server.removed_s + RULES_TRASH_S)
			r->trash[kept++] = *t;
	}
	r->ntrash = kept;
	return kept != before;
}

/* --- marks
 * --------------------------------------------------------------------- */

static bool
same_end(const struct rules_end *a, const struct rules_end *b)
{
	return a->port == b->port && a->proto == b->proto &&
		same_addr(&a->addr, &b->addr);
}

/* An end is of one mark at most, and of no other service. */
static bool
end_taken(const struct rules *r, const struct rules_end *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rules_service *s = &r->services[i];

		if (!s->id.mark && s->id.proto == e->proto &&
			s->id.port == e->port &&
			same_addr(&s->id.addr, &e->addr))
			return true;
		for (size_t k = 0; k < s->nends; k++)
			if (same_end(&s->ends[k], e))
				return true;
	}
	return false;
}

int
rules_end_add(
	struct rules *r, const struct rules_id *id, const struct rules_end *e)
{
	struct rules_service *s = rules_find(r, id);

	if (!s)
		return -ESRCH;
	if (end_taken(r, e))
		return -EEXIST;
	s->ends = xrealloc(s->ends, (s->nends + 1) * sizeof(*e));
	s->ends[s->nends++] = *e;
	return 0;
}

int
rules_end_delete(
	struct rules *r, const struct rules_id *id, const struct rules_end *e)
{
	struct rules_service *s = rules_find(r, id);

	if (!s)
		return -ESRCH;
	for (size_t i = 0; i < s->nends; i++)
		if (same_end(&s->ends[i], e)) {
			s->ends[i] = s->ends[--s->nends];
			return 0;
		}
	return -ENOENT;
}

/* --- schedulers
 * ------------------------------------------------------------------ */

static const char *const scheduler_names[] = {
#define SCHEDULER(name) #name,
#include "l4/schedulers.def"
#undef SCHEDULER
};

enum l4_scheduler
rules_scheduler(const char *name)
{
	unsigned i = 0;

	while (i < L4_SCHEDULERS && strcmp(scheduler_names[i], name) != 0)
		i++;
	return (enum l4_scheduler)i;
}

const char *
rules_scheduler_name(enum l4_scheduler s)
{
	return scheduler_names[s];
}
