#include "proxy/survey.h"

enum { PATIENCE_MS = 1000 };

static void
on_patience(struct timer *t)
{
	struct survey *s = container_of(t, struct survey, timer);

	s->on_end(s);
}

static void
one_less(struct survey *s)
{
	if (--s->missing == 0)
		s->on_end(s);
}

static void
on_reply(struct peer_call *call, struct str reply)
{
	struct survey_peer *p = container_of(call, struct survey_peer, call);

	if (reply.p)
		p->said = json_loadb(reply.p, reply.n, 0, NULL);
	one_less(p->survey);
}

void
survey_start(struct survey *s, struct worker *w, json_t *ours,
	enum wire_type type, struct str question)
{
	s->worker = w;
	s->timer.on_timer = on_patience;
	s->peers[w->node->config->self].said = ours;
	s->missing = 1; /* ourselves, at the end */
	for (size_t i = 0; i < VIEW_MAX_NODES; i++) {
		s->peers[i].survey = s;
		s->peers[i].call.on_reply = on_reply;
		if (!w->peers[i] || !peer_is_up(w->peers[i]))
			continue;
		s->missing++;
		peer_call(w->peers[i], &s->peers[i].call, type, question);
	}
	loop_arm(w->loop, &s->timer, PATIENCE_MS * NS_PER_MS);
	one_less(s);
}

void
survey_fini(struct survey *s)
{
	for (size_t i = 0; i < VIEW_MAX_NODES; i++) {
		peer_call_cancel(&s->peers[i].call);
		json_decref(s->peers[i].said);
	}
	loop_disarm(s->worker->loop, &s->timer);
}
