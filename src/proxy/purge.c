#include "proxy/purge.h"

#include "proxy/peer.h"

struct purge_report
purge_all(struct worker *w, const struct purge *p)
{
	struct purge_report r = {.objects = store_purge(w->node->store, p)};

	for (size_t i = 0; i < w->node->config->npeers; i++)
		if (w->peers[i] && peer_is_up(w->peers[i])) {
			peer_purge(w->peers[i], p);
			r.peers++;
		}
	return r;
}

void
purge_put(const struct purge *p, struct buf *out)
{
	const char head[2] = {(char)p->kind, p->soft};

	buf_append(out, head, sizeof(head));
	buf_str(out, p->what);
}

bool
purge_parse(struct str payload, struct purge *out)
{
	if (payload.n <= 2 || (unsigned char)payload.p[0] > PURGE_TAG ||
		(unsigned char)payload.p[1] > 1)
		return false;
	*out = (struct purge){
		.kind = (enum purge_kind)payload.p[0],
		.soft = payload.p[1],
		.what = str_of(payload.p + 2, payload.n - 2),
	};
	return true;
}
