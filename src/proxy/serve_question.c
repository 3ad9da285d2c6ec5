/* What a peer asks or tells us, as one node another: of no client's request. */
#include <endian.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proxy/channel.h"
#include "proxy/explain.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/purge.h"
#include "proxy/serve_internal.h"
#include "proxy/status.h"

static bool
on_status(struct server *s, uint32_t stream)
{
	char *json = status_self(s->worker->node);
	bool fits = strlen(json) <= WIRE_MAX;

	if (fits)
		channel_send(s->channel, WIRE_REPLY, stream, str_z(json));
	free(json);
	return fits;
}

/* A purge that goes on, whoever it is for still there or not. */
struct purging_for {
	struct list link;      /* in server->purging */
	struct server *server; /* borrowed; NULL: he has gone */
	uint32_t stream;
};

static void
on_purged(void *ctx, const struct purge_report *r)
{
	struct purging_for *p = ctx;
	uint64_t objects = htobe64(r->objects);

	list_remove(&p->link);
	if (p->server)
		channel_send(p->server->channel, WIRE_PURGED, p->stream,
			str_of((char *)&objects, sizeof(objects)));
	free(p);
}

static bool
on_purge(struct server *s, uint32_t stream, struct str payload)
{
	struct purging_for *f;
	struct purge p;

	if (!purge_parse(payload, &p))
		return false;
	f = NEW(struct purging_for);
	f->server = s;
	f->stream = stream;
	list_push_back(&s->purging, &f->link);
	purge_start_here(s->worker, &p, on_purged, f);
	return true;
}

void
server_forget_purges(struct server *s)
{
	list_foreach_safe (it, &s->purging) {
		struct purging_for *p =
			container_of(it, struct purging_for, link);

		p->server = NULL;
		list_remove(&p->link);
	}
}

static bool
on_explain(struct server *s, uint32_t stream, struct str key)
{
	char *json = explain_self(s->worker, key);

	channel_send(s->channel, WIRE_REPLY, stream, str_z(json));
	free(json);
	return true;
}

static bool
on_view(struct server *s, struct str payload)
{
	bool news, lacking;

	if (membership_merge(s->worker->node, payload, &news, &lacking) < 0)
		return false;
	if (news || lacking)
		worker_members_changed(s->worker->node);
	return true;
}

static bool
on_news(struct server *s, struct str payload)
{
	struct news n;

	if (!news_parse(payload, &n))
		return false;
	heat_hear(s->worker->node, s->peer, &n);
	return true;
}

bool
server_on_question(struct server *s, enum wire_type type, uint32_t stream,
	struct str payload)
{
	switch (type) {
	case WIRE_STATUS: return on_status(s, stream);
	case WIRE_EXPLAIN: return on_explain(s, stream, payload);
	case WIRE_PURGE: return on_purge(s, stream, payload);
	case WIRE_VIEW: return on_view(s, payload);
	case WIRE_NEWS: return on_news(s, payload);
	default: return false;
	}
}
