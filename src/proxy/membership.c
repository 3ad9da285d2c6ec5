#include "proxy/membership.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/epoch.h"
#include "base/log.h"
#include "base/mem.h"
#include "placement/glob.h"

struct membership {
	/* guards the roster: changes are rare, and made by any thread. Names
	 * and addresses below count are read without it. */
	pthread_mutex_t lock;
	struct roster roster;
	_Atomic size_t count;
	_Atomic(struct places *) places; /* owned */
	/* of policies that take turns, by place */
	_Atomic uint64_t turns[1 + NODE_GROUPS_MAX];
};

/* --- places --------------------------------------------------------------- */

static void
free_places(void *p)
{
	struct places *places = p;

	if (!places)
		return;
	for (size_t i = 0; i < places->n; i++)
		place_free(places->v[i]);
	free(places);
}

/* All of them, with those out that are not in the group. */
static struct view
view_of_group(const struct view *all, const struct node_group *g)
{
	struct view v = {.number = all->number};

	for (size_t i = 0; i < all->nnodes; i++) {
		struct view_node n = all->nodes[i];
		bool in = false;

		for (size_t j = 0; j < g->nnodes; j++)
			in |= !strcmp(g->nodes[j], n.name);
		n.out |= !in;
		view_add(&v, &n);
	}
	return v;
}

static struct place *
make_place(struct membership *m, const struct node *n, struct places *before,
	size_t i, const struct view *v)
{
	const struct node_config *config = n->config;
	const struct node_place *how =
		i ? &config->groups[i - 1].place : &config->place;
	const char *self = config->peers[config->self].name;
	struct place_params params = how->params;

	params.self = XXH3_64bits(self, strlen(self));
	return place_new(how->policy, v, &params, &m->turns[i],
		before ? before->v[i] : NULL);
}

static struct places *
make_places(struct membership *m, const struct node *n, struct places *before,
	const struct view *v)
{
	struct places *p = NEW(struct places);

	p->view = *v;
	p->checksum = view_checksum(v);
	p->since_ns = clock_mono_ns();
	p->v[p->n++] = make_place(m, n, before, 0, v);
	for (size_t i = 0; i < n->config->ngroups; i++) {
		struct view some = view_of_group(v, &n->config->groups[i]);

		p->v[p->n] = make_place(m, n, before, p->n, &some);
		p->n++;
	}
	return p;
}

/* Under the lock: what follows from the roster. */
static void
publish(struct membership *m, const struct node *n)
{
	struct places *was = atomic_load(&m->places), *p, *older;
	struct view v;

	roster_view(&m->roster, &v);
	p = make_places(m, n, was, &v);
	atomic_init(&p->before, was);
	atomic_store(&m->places, p);
	atomic_store(&m->count, m->roster.n);
	older = was ? atomic_exchange(&was->before, NULL) : NULL;
	if (older)
		epoch_retire(older, free_places);
}

struct places *
membership_places(const struct node *n)
{
	return atomic_load(&n->membership->places);
}

/* --- who is there --------------------------------------------------------- */

struct membership *
membership_new(struct node *n)
{
	const struct node_config *config = n->config;
	struct membership *m = NEW(struct membership);

	pthread_mutex_init(&m->lock, NULL);
	for (size_t i = 0; i < config->npeers; i++) {
		const struct node_peer *p = &config->peers[i];
		struct roster_entry e = {.addr = p->addr, .weight = p->weight};

		CHECK(strlen(p->name) < sizeof(e.name));
		strcpy(e.name, p->name);
		CHECK(roster_add(&m->roster, &e) == 0);
	}
	publish(m, n);
	return m;
}

void
membership_free(struct membership *m)
{
	struct places *p;

	if (!m)
		return;
	p = atomic_load(&m->places);
	free_places(atomic_load(&p->before));
	free_places(p);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

size_t
membership_count(const struct node *n)
{
	return atomic_load(&n->membership->count);
}

const char *
membership_name(const struct node *n, size_t i)
{
	return n->membership->roster.v[i].name;
}

struct in_addr
membership_addr(const struct node *n, size_t i)
{
	return n->membership->roster.v[i].addr;
}

int
membership_find_addr(const struct node *n, struct in_addr addr)
{
	size_t count = membership_count(n);

	for (size_t i = 0; i < count; i++)
		if (membership_addr(n, i).s_addr == addr.s_addr)
			return (int)i;
	return -1;
}

int
membership_find(const struct node *n, struct str name)
{
	size_t count = membership_count(n);

	for (size_t i = 0; i < count; i++)
		if (str_eq(str_z(membership_name(n, i)), name))
			return (int)i;
	return -1;
}

void
membership_entry(const struct node *n, size_t i, struct roster_entry *out)
{
	pthread_mutex_lock(&n->membership->lock);
	*out = n->membership->roster.v[i];
	pthread_mutex_unlock(&n->membership->lock);
}

void
membership_put(const struct node *n, struct buf *out)
{
	pthread_mutex_lock(&n->membership->lock);
	roster_put(&n->membership->roster, out);
	pthread_mutex_unlock(&n->membership->lock);
}

int
membership_merge(struct node *n, struct str text, bool *news, bool *lacking)
{
	struct membership *m = n->membership;
	struct roster theirs;

	if (!roster_parse(text, &theirs))
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	*news = roster_merge(&m->roster, &theirs, lacking) == ROSTER_NEWS;
	if (*news)
		publish(m, n);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* --- wishes --------------------------------------------------------------- */

static const char weightless[] = "its policy knows nothing of weights";

/* Do all policies by which it gets keys go by weights? */
static bool
has_weight(const struct node_config *c, struct str name)
{
	bool all = c->place.policy->weights;

	for (size_t i = 0; i < c->ngroups; i++)
		for (size_t j = 0; j < c->groups[i].nnodes; j++)
			if (str_eq(str_z(c->groups[i].nodes[j]), name))
				all &= c->groups[i].place.policy->weights;
	return all;
}

static const char *
join(struct roster *r, struct str name, bool weights, struct str rest)
{
	struct roster_entry e = {.weight = 1};
	struct str word, line;
	struct buf text = {0};
	struct roster one;
	bool fine;
	int at;

	if (!str_split(&rest, ' ', &word))
		return "join with which address? write NAME ADDRESS [WEIGHT]";
	line = rest.p ? rest : STR("1");
	buf_printf(&text, "%.*s %.*s %.*s %llu in 1\n", STR_ARG(name),
		STR_ARG(word), STR_ARG(line),
		(unsigned long long)roster_number(r) + 1);
	fine = roster_parse(buf_view(&text), &one);
	buf_fini(&text);
	if (!fine)
		return "join how? write NAME ADDRESS [WEIGHT]";
	e = one.v[0];
	if (e.weight != 1 && !weights)
		return weightless;
	at = roster_find(r, name);
	for (size_t i = 0; i < r->n; i++)
		if ((int)i != at && r->v[i].addr.s_addr == e.addr.s_addr)
			return "that address is, or was, another node's";
	if (at < 0)
		return roster_add(r, &e) < 0 ? "there are 64 nodes already"
					     : NULL;
	if (r->v[at].addr.s_addr != e.addr.s_addr)
		return "that name was another address's; take a new one";
	if (r->v[at].state == ROSTER_IN)
		return "it is in the cluster already";
	r->v[at].weight = e.weight;
	r->v[at].state = ROSTER_IN;
	r->v[at].version++;
	return NULL;
}

static const char *
set_state(struct roster *r, struct roster_entry *e, enum roster_state state)
{
	size_t in = 0;

	if (e->state == state)
		return "it is so already";
	if (e->state == ROSTER_GONE)
		return "it has left; have it join again";
	for (size_t i = 0; i < r->n; i++)
		in += r->v[i].state == ROSTER_IN;
	if (state != ROSTER_IN && e->state == ROSTER_IN && in == 1)
		return "it is the last one";
	e->state = state;
	e->version++;
	return NULL;
}

static const char *
set_weight(struct roster_entry *e, bool weights, struct str number)
{
	uint64_t n;

	if (!weights)
		return weightless;
	if (str_u64(number, ROSTER_WEIGHT_MAX, &n) < 0 || n < 1)
		return "a weight is a number, 1 to 1000";
	e->weight = (unsigned)n;
	e->version++;
	return NULL;
}

static const char *
grant(struct membership *m, const struct node_config *config, struct str what,
	struct str name, struct str rest)
{
	bool weights = has_weight(config, name);
	struct roster *r = &m->roster;
	int at = roster_find(r, name);

	if (str_eq(what, STR("join")))
		return join(r, name, weights, rest);
	if (at < 0)
		return "there is no such node";
	if (str_eq(what, STR("weight")))
		return set_weight(&r->v[at], weights, rest);
	if (rest.p)
		return "what is that behind the name?";
	if (str_eq(what, STR("drain")))
		return set_state(r, &r->v[at], ROSTER_DRAINED);
	if (str_eq(what, STR("restore")))
		return set_state(r, &r->v[at], ROSTER_IN);
	if (str_eq(what, STR("leave")))
		return set_state(r, &r->v[at], ROSTER_GONE);
	return "that is no wish";
}

const char *
membership_change(struct node *n, struct str wish)
{
	struct membership *m = n->membership;
	struct str what = {0}, name = {0};
	const char *wrong;

	(void)str_split(&wish, ' ', &what);
	if (!str_split(&wish, ' ', &name))
		return "which node?";
	pthread_mutex_lock(&m->lock);
	wrong = grant(m, n->config, what, name, wish);
	if (!wrong)
		publish(m, n);
	pthread_mutex_unlock(&m->lock);
	if (!wrong)
		log_info("members_changed wish=%.*s node=%s", STR_ARG(what),
			log_quote(name).z);
	return wrong;
}

/* --- rules ---------------------------------------------------------------- */

static bool
header_fits(const struct node_rule *r, const struct head *h)
{
	for (unsigned i = 0; i < h->nfields; i++)
		if (str_ieq(h->fields[i].name, str_z(r->header)) &&
			(!r->value ||
				glob_matches(str_z(r->value),
					h->fields[i].value, false)))
			return true;
	return false;
}

static struct str
path_of(struct str target)
{
	const char *query = memchr(target.p, '?', target.n);

	return query ? str_of(target.p, (size_t)(query - target.p)) : target;
}

size_t
places_choose(const struct node_config *config, const struct head *h,
	struct str host, struct str target)
{
	for (size_t i = 0; i < config->nrules; i++) {
		const struct node_rule *r = &config->rules[i];

		if ((!r->host || glob_matches(str_z(r->host), host, true)) &&
			(!r->path ||
				glob_matches(str_z(r->path), path_of(target),
					false)) &&
			(!r->header || header_fits(r, h)))
			return 1 + r->group;
	}
	return 0;
}

static uint64_t
mix(uint64_t sum, const char *z)
{
	return XXH3_64bits_withSeed(z ? z : "", z ? strlen(z) + 1 : 0, sum);
}

static uint64_t
mix_place(uint64_t sum, const struct node_place *p)
{
	sum = mix(sum, p->policy->name);
	return XXH3_64bits_withSeed(&p->params.points, sizeof(p->params.points),
		sum + p->params.shared);
}

uint64_t
membership_rules_checksum(const struct node *n)
{
	const struct node_config *c = n->config;
	uint64_t sum = mix_place(0, &c->place);

	for (size_t i = 0; i < c->ngroups; i++) {
		sum = mix_place(
			mix(sum, c->groups[i].name), &c->groups[i].place);
		for (size_t j = 0; j < c->groups[i].nnodes; j++)
			sum = mix(sum, c->groups[i].nodes[j]);
	}
	for (size_t i = 0; i < c->nrules; i++) {
		const struct node_rule *r = &c->rules[i];

		sum = mix(mix(mix(mix(sum + r->group, r->host), r->path),
				  r->header),
			r->value);
	}
	return sum;
}
