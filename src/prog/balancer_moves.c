#include "prog/balancer_moves.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "conf/conf.h"
#include "handoff/claims.h"
#include "l4/balancer.h"
#include "l4/control.h"
#include "l4/pool.h"
#include "placement/view.h"
#include "prog/balancer.h"
#include "prog/balancer_inquiry.h"
#include "prog/balancer_members.h"
#include "prog/balancer_notices.h"
#include "prog/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ASK_EVERY_MS = 100, PATIENCE_TURNS = 10 };

struct moves {
	struct program *program; /* borrowed */
	struct buf secret;
	struct timer timer;
	struct inquiry inquiry;
	struct notices *notices;	 /* owned; NULL: nothing is heard */
	struct claims_question question; /* the last one */
	size_t asked;			 /* the member's index */
	unsigned turns;			 /* that it has not answered */
	uint64_t since[VIEW_MAX_NODES];	 /* by member */
	bool silent[VIEW_MAX_NODES];	 /* it did not tell; that was logged */
	struct claims *heard;		 /* owned: room for an answer */
	struct moves_counts counts;
};

/* --- what is claimed ------------------------------------------------------ */

/* The service's flows, by the client's kind of address. */
static bool
find_service(const struct program *p, bool v6, struct rules_id *out)
{
	struct rules_id ids[2];
	size_t n = service_ids(p->conf, ids);

	if (v6 && n < 2)
		return false;
	*out = ids[v6];
	return true;
}

/* The number of that node's server; 0: it has none. */
static uint16_t
server_at(const struct rules_service *s, struct in_addr addr, uint16_t port)
{
	union l4_addr node = member_addr(addr);
	const struct rules_server *server =
		s ? rules_server(s, &node, port) : NULL;

	return server ? server->number : 0;
}

/* giver: who had it until now; NULL: any. packets: see l4/redirect.h. */
static enum redirect
redirect(const struct moves *m, size_t member, const struct claim *c,
	const struct in_addr *giver, uint8_t packets)
{
	struct program *p = m->program;
	const struct roster *r = members_roster(p->members);
	struct redirect_flow f = {.client_port = c->port, .packets = packets};
	const struct rules_service *s;
	struct rules_id id;

	memcpy(&f.client, &c->client, sizeof(f.client));
	if (!find_service(p, !addr_is4(&f.client), &id))
		return REDIRECT_no_flow;
	s = rules_find(control_rules(p->control), &id);
	f.server = server_at(s, r->v[member].addr, id.port);
	f.from = giver ? server_at(s, *giver, id.port) : 0;
	if (!f.server || (giver && !f.from))
		return REDIRECT_no_server;
	f.vip = id.addr;
	f.vip_port = id.port;
	return redirect_flow(balancer_image(p->balancer), &f);
}

/* Who can't move connections has no such document, nor for whom he doesn't
 * know. */
static void
note_silence(struct moves *m, bool silent)
{
	if (silent && !m->silent[m->asked])
		log_info("moves_not_told node=%s hint=\"it has another secret, "
			 "or does not move connections\"",
			m->question.node);
	m->silent[m->asked] = silent;
}

static void
on_answer(void *ctx, struct str document)
{
	struct moves *m = ctx;

	note_silence(m, !document.p);
	if (!document.p)
		return;
	if (!claims_answered(&m->question, document, m->heard)) {
		m->counts.untrusted++;
		return;
	}
	m->since[m->asked] = m->heard->last;
	notices_since(m->notices, m->asked, m->heard->last);
	for (size_t i = 0; i < m->heard->n; i++)
		m->counts.result[redirect(m, m->asked, &m->heard->v[i], NULL,
			REDIRECT_LASTING)]++;
}

static void
on_notice(void *ctx, size_t member, const struct notice *n)
{
	struct moves *m = ctx;

	for (size_t i = 0; i < n->n; i++) {
		enum redirect r = redirect(m, member, &n->v[i].claim,
			&n->v[i].giver, REDIRECT_JUST_NOW);

		m->counts.result[r]++;
		m->counts.at_once += r == REDIRECT_done;
	}
}

static void
on_untrusted(void *ctx)
{
	struct moves *m = ctx;

	m->counts.untrusted++;
}

/* --- asking --------------------------------------------------------------- */

static void
ask(struct moves *m, const struct roster_entry *node)
{
	struct claims_question *q = &m->question;
	struct buf path = {0};

	q->node = node->name;
	q->since = m->since[m->asked];
	if (getrandom(&q->nonce, sizeof(q->nonce), GRND_NONBLOCK) ==
			sizeof(q->nonce) &&
		claims_ask(q, &path) == 0)
		inquiry_start(&m->inquiry, node->addr,
			m->program->conf->status_port, buf_view(&path));
	buf_fini(&path);
}

/* One after the other; whoever is slow has a while. */
static void
on_timer(struct timer *t)
{
	struct moves *m = container_of(t, struct moves, timer);
	const struct roster *r = members_roster(m->program->members);
	size_t i = m->asked;

	loop_arm(m->program->loop, t, ASK_EVERY_MS * NS_PER_MS);
	if (inquiry_is_open(&m->inquiry) && m->turns++ < PATIENCE_TURNS)
		return;
	m->turns = 0;
	do
		i = (i + 1) % r->n;
	while (i != m->asked && !pool_node(m->program->pool, i)->up);
	m->asked = i;
	ask(m, &r->v[i]);
}

/* --- the whole ------------------------------------------------------------ */

static bool
are_wanted(const struct program *p)
{
	return p->balancer && p->conf->status_port && p->conf->secret_file &&
		p->conf->handoff != CONF_HANDOFF_OFF;
}

struct moves *
moves_new(struct program *p)
{
	struct buf secret = {0};
	struct moves *m;
	int r = are_wanted(p) ? secret_read(p->conf->secret_file, &secret) : 0;

	if (r < 0)
		log_warn("moves_not_heard_of secret=%s error=\"%s\"",
			p->conf->secret_file, secret_error(r));
	if (!buf_len(&secret))
		return NULL;
	m = NEW(struct moves);
	m->program = p;
	m->secret = secret;
	m->question.secret = buf_view(&secret);
	m->question.cluster = p->conf->cluster;
	m->heard = NEW(struct claims);
	m->timer.on_timer = on_timer;
	m->notices = notices_new(p,
		&(struct notices_user){
			m, m->question.secret, on_notice, on_untrusted});
	if (!m->notices)
		log_warn("notices_not_heard error=\"%s\"", strerror(errno));
	notices_where(m->notices, &m->question);
	inquiry_init(&m->inquiry, p->loop, on_answer, m);
	loop_arm(p->loop, &m->timer, ASK_EVERY_MS * NS_PER_MS);
	return m;
}

void
moves_free(struct moves *m)
{
	if (!m)
		return;
	loop_disarm(m->program->loop, &m->timer);
	inquiry_fini(&m->inquiry);
	notices_free(m->notices);
	buf_fini(&m->secret);
	free(m->heard);
	free(m);
}

struct moves_counts
moves_counts(const struct moves *m)
{
	return m ? m->counts : (struct moves_counts){0};
}

static const struct {
	const char *name, *meaning;
} results[] = {
#define RESULT(name, text) {#name, text},
#include "l4/redirects.def"
#undef RESULT
};

const char *
moves_result_name(enum redirect r)
{
	return results[r].name;
}

const char *
moves_result_meaning(enum redirect r)
{
	return results[r].meaning;
}
