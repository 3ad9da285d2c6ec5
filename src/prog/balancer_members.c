#include "prog/balancer_members.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "placement/census.h"
#include "prog/balancer_inquiry.h"

#include <stdio.h>
#include <stdlib.h>

enum { ASK_EVERY_MS = 250 };

struct members {
	struct loop *loop; /* borrowed */
	struct members_user user;
	uint16_t port;
	struct roster roster;
	bool suspected[VIEW_MAX_NODES]; /* by whoever was asked last */
	struct timer timer;
	struct inquiry inquiry;
	size_t asked; /* the member's index */
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

static void
on_answer(void *ctx, struct str document)
{
	struct members *m = ctx;
	struct census c;
	bool lacking;

	if (!document.p || !census_parse(document, &c)) {
		log_warn("members_malformed node=%s",
			m->roster.v[m->asked].name);
		return;
	}
	if (roster_merge(&m->roster, &c.roster, &lacking) == ROSTER_NEWS)
		m->user.on_news(m->user.ctx, &m->roster);
	heed_suspicions(m, &c);
}

/* Whoever has not answered by now is left: another will do. */
static void
on_timer(struct timer *t)
{
	struct members *m = container_of(t, struct members, timer);
	size_t n = m->roster.n, i = m->asked;

	do
		i = (i + 1) % n;
	while (i != m->asked && !m->user.is_up(m->user.ctx, i));
	m->asked = i;
	inquiry_start(
		&m->inquiry, m->roster.v[i].addr, m->port, STR("/members"));
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
	inquiry_init(&m->inquiry, l, on_answer, m);
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
	inquiry_fini(&m->inquiry);
	free(m);
}
