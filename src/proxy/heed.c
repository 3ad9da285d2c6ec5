#include "proxy/heed.h"

#include "http/invalidate.h"
#include "http/validators.h"
#include "proxy/purge.h"

static void
freshen(struct store *s, struct object *o, const struct judge_case *c)
{
	struct validators had = validators_of_fields(object_fields(o));
	enum judge_renewal renewal = RENEWAL_NONE;
	struct object *renewed = NULL;

	if (validators_match_head(&had, o->length, c->response))
		renewal = judge_renew(c, o, &renewed);
	switch (renewal) {
	case RENEWAL_NONE: atomic_store(&o->outdated, true); break;
	case RENEWAL_KEEP: store_replace(s, o, object_ref(renewed)); break;
	case RENEWAL_DROP: store_remove(s, o); break;
	case RENEWAL_ONCE: break;
	}
	object_unref(renewed);
}

void
heed_head(struct worker *w, struct str key, const struct judge_case *c)
{
	struct wanted wanted = {.key = key};
	struct store *s = w->node->store;
	struct head request;
	struct object *o;
	bool others;

	if (head_parse_own_request(c->request, &request) != HEAD_DONE)
		return;
	wanted.request = &request;
	wanted.authorized = head_find(&request, FIELD_AUTHORIZATION);
	o = store_find(s, &wanted, &others);
	if (o && !object_is_mark(o))
		freshen(s, o, c);
	object_unref(o);
}

void
heed_unsafe(struct worker *w, enum method m, struct str key,
	const struct head *response)
{
	struct buf keys = {0};
	struct str rest, line;

	invalidate(m, key, response, &keys);
	rest = buf_view(&keys);
	while (str_split(&rest, '\n', &line))
		if (line.n)
			purge_key(w, line);
	buf_fini(&keys);
}
