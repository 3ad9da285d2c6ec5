#include "proxy/explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/epoch.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/uri.h"
#include "proxy/heat.h"
#include "proxy/membership.h"
#include "proxy/owner.h"
#include "proxy/segment.h"
#include "proxy/survey.h"

/* --- one node ---------------------------------------------------------------
 */

/* What a plain request would find. */
static struct object *
find(struct worker *w, struct str key, bool *others)
{
	static const struct head plain = {.method = METHOD_GET};

	return store_find(w->node->store,
		&(struct wanted){.key = key, .request = &plain}, others);
}

static void
describe(json_t *doc, const struct object *o, int64_t now_s)
{
	int64_t age = object_age_s(o, now_s);

	json_object_set_new(doc, "status", json_integer(o->status));
	json_object_set_new(doc, "age_s", json_integer(age));
	json_object_set_new(doc, "ttl_s",
		json_integer((json_int_t)o->fresh.lifetime_s - age));
	json_object_set_new(doc, "bytes", json_integer((json_int_t)o->length));
}

/* A plain request for that key, whose route is known; NULL: there is none. */
static struct exchange *
request_for(struct worker *w, struct str key)
{
	struct exchange *x = exchange_get(w);
	struct buf text = {0};
	struct route_error error;
	bool fine = false;

	if (route_put_request(STR("GET"), key, &text)) {
		x->raw = arena_copy(&x->arena, buf_view(&text)).p;
		x->kept = true;
		fine = head_parse_own_request(str_of(x->raw, buf_len(&text)),
			       &x->head) == HEAD_DONE &&
			route_request(w->node->config, &x->head, NULL,
				&x->arena, &x->route, &error) == 0 &&
			(x->route.site || w->node->config->forward.n);
	}
	buf_fini(&text);
	if (fine)
		owner_place(x);
	else
		exchange_put(take_ptr(&x));
	return x;
}

static double
rate_of(struct worker *w, struct str key)
{
	struct exchange *x = request_for(w, key);
	double rate = x ? heat_rate(w->node, x->placed.hash) : 0;

	exchange_put(x);
	return rate;
}

/* stored: fresh, stale, parts, other (variants only), or no */
static json_t *
self_json(struct worker *w, struct str key)
{
	int64_t now_s = loop_wall_s(w->loop);
	struct buf parts = {0};
	const char *stored;
	bool others = false, ignored;
	struct object *o = find(w, key, &others), *m = NULL;
	json_t *doc = json_object();

	segment_put_manifest_key(key, &parts);
	if (!o)
		m = find(w, buf_view(&parts), &ignored);
	buf_fini(&parts);
	if (o && !object_is_mark(o)) {
		describe(doc, o, now_s);
		stored = object_age_s(o, now_s) < o->fresh.lifetime_s ? "fresh"
								      : "stale";
	} else if (m && !object_is_mark(m)) {
		stored = "parts";
	} else {
		stored = others ? "other" : "no";
	}
	json_object_set_new(doc, "stored", json_string(stored));
	json_object_set_new(doc, "requests_per_s", json_real(rate_of(w, key)));
	if (o && object_is_mark(o))
		json_object_set_new(doc, "private", json_true());
	object_unref(o);
	object_unref(m);
	return doc;
}

char *
explain_self(struct worker *w, struct str key)
{
	json_t *doc = self_json(w, key);
	char *text = json_dumps(doc, JSON_COMPACT);

	json_decref(doc);
	CHECK(text);
	return text;
}

/* --- all of them ------------------------------------------------------------
 */

struct explaining {
	struct survey survey;
	struct admin_request *request;
	struct grave grave;
	char *key; /* owned */
};

static void
bury(struct grave *g)
{
	struct explaining *e = container_of(g, struct explaining, grave);

	free(e->key);
	free(e);
}

/* The same decision as a request's that comes now, to this worker. Which group
 * it is for: see places_choose(). */
static size_t
put_decision(struct explaining *e, json_t *doc)
{
	struct worker *w = e->survey.worker;
	struct exchange *x = request_for(w, str_z(e->key));
	struct peer *p;
	char what[160];
	size_t place;

	if (!x)
		return 0;
	place = x->placed.place;
	p = owner_find(x);
	if (p) {
		snprintf(what, sizeof(what), "asks %s",
			membership_name(w->node, x->owner));
	} else {
		const char *stored = json_string_value(json_object_get(
			e->survey.peers[w->node->config->self].said, "stored"));
		bool cached_only;
		size_t index;
		struct peer *from = owner_source(x, &index, &cached_only);

		if (stored && !strcmp(stored, "fresh"))
			snprintf(what, sizeof(what), "answers from its cache");
		else
			snprintf(what, sizeof(what), "asks %s%s",
				from ? membership_name(w->node, index)
				     : "the origin",
				from && cached_only
					? " for what it has, or else the origin"
					: "");
	}
	json_object_set_new(doc, "now", json_string(what));
	exchange_put(x);
	return place;
}

static json_t *
node_json(struct explaining *e, size_t i, size_t rank)
{
	struct worker *w = e->survey.worker;
	const struct node *n = w->node;
	bool self = i == n->config->self;
	json_t *o = json_pack("{s:s, s:i, s:b, s:b}", "name",
		membership_name(n, i), "rank", (int)rank, "self", self, "up",
		self || (w->peers[i] && peer_is_up(w->peers[i])));
	bool ramping = owner_is_ramping(w, i, place_hash(str_z(e->key)));

	if (!self && w->peers[i] && peer_is_up(w->peers[i]) &&
		!peer_is_trusted(w->peers[i]))
		json_object_set_new(o, "damped", json_true());
	if ((self || (w->peers[i] && peer_is_up(w->peers[i]))) && ramping)
		json_object_set_new(o, "ramping", json_true());
	json_object_set_new(o, "load",
		json_integer(self || !w->peers[i] ? heat_own_load(n)
						  : peer_load(w->peers[i])));
	if (e->survey.peers[i].said)
		json_object_update(o, e->survey.peers[i].said);
	return o;
}

/* In the order of the ranking; then those who own nothing, but may hold a
 * copy. */
static json_t *
nodes_json(struct explaining *e, size_t place)
{
	size_t count = membership_count(e->survey.worker->node), n;
	uint8_t ranking[VIEW_MAX_NODES];
	json_t *list = json_array();
	uint64_t seen = 0;

	n = owner_ranking(e->survey.worker, str_z(e->key), place, ranking);
	for (size_t i = 0; i < n; i++) {
		seen |= UINT64_C(1) << ranking[i];
		json_array_append_new(list, node_json(e, ranking[i], i + 1));
	}
	for (size_t i = 0; i < count; i++)
		if (!(seen & UINT64_C(1) << i))
			json_array_append_new(list, node_json(e, i, 0));
	return list;
}

static void
finish(struct survey *s)
{
	struct explaining *e = container_of(s, struct explaining, survey);
	struct worker *w = e->survey.worker;
	const struct node *n = w->node;
	json_t *doc = json_object();
	size_t place = put_decision(e, doc);
	unsigned r;
	double share;
	char *text;

	epoch_enter();
	r = heat_explain(n, owner_hash(str_z(e->key), place), &share);
	epoch_leave();
	json_object_set_new(doc, "name",
		json_string(n->config->peers[n->config->self].name));
	json_object_set_new(doc, "key", json_string(e->key));
	json_object_set_new(
		doc, "policy", json_string(n->config->place.policy->name));
	json_object_set_new(doc, "copies", json_integer((int)r));
	json_object_set_new(doc, "share", json_real(share));
	if (place > 0) {
		const struct node_group *g = &n->config->groups[place - 1];

		json_object_set_new(doc, "group", json_string(g->name));
		json_object_set_new(
			doc, "policy", json_string(g->place.policy->name));
	}
	json_object_set_new(doc, "nodes", nodes_json(e, place));
	text = json_dumps(doc, JSON_COMPACT);
	CHECK(text);
	admin_answer(e->request, str_z(text));
	free(text);
	json_decref(doc);
	survey_fini(s);
	loop_bury(w->loop, &e->grave);
}

void
explain_url(struct worker *w, struct admin_request *request, struct str url)
{
	struct explaining *e = NEW(struct explaining);

	e->request = request;
	e->key = xstrndup(url.p, url.n);
	e->grave.bury = bury;
	e->survey.on_end = finish;
	survey_start(&e->survey, w, self_json(w, url), WIRE_EXPLAIN, url);
}
