#include "proxy/heed.h"

#include "http/invalidate.h"
#include "http/validators.h"
#include "proxy/purge.h"

static void
freshen(struct store *s, struct object *o, const struct judge_case *c)
{
	struct validators had = validators_of_fields(object_fields(o));
	struct object *renewed = NULL;
	bool storable = false;

	if (validators_match_head(&had, o->length, c->response))
		renewed = judge_renewed(c, o, &storable);
	if (renewed && storable) {
		store_replace(s, o, renewed);
		return;
	}
	object_unref(renewed);
	atomic_store(&o->outdated, true);
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
			(void)purge_all(w,
				&(struct purge){
					.kind = PURGE_KEY, .what = line});
	buf_fini(&keys);
}
