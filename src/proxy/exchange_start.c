/* Where the answer is to come from, decided at the start, and anew when what
 * was decided came to nothing. */
#include "http/forwarded.h"
#include "http/upgrade.h"
#include "proxy/exchange_internal.h"
#include "proxy/lookup.h"
#include "proxy/owner.h"
#include "proxy/peer.h"
#include "proxy/tally.h"

static bool
may_be_cached(const struct exchange *x)
{
	const struct head *h = &x->head;

	return (h->method == METHOD_GET || h->method == METHOD_HEAD) &&
		!x->upload && !x->upgrade;
}

/* Load is of those who answer. */
static void
answer_here(struct exchange *x)
{
	if (!x->counted)
		count(&x->worker->answers, 1);
	x->counted = true;
}

/* What was taken from another node along with its connection was asked for
 * there. What is distilled stays at its owner, however hot it is. */
static void
tally(struct exchange *x, unsigned of, uint64_t bytes)
{
	if (x->asks && !x->rendition.rules)
		of |= TALLY_ASKED;
	x->asks = false;
	tally_count(x->worker->tally, &x->placed, of, bytes);
}

void
exchange_tally(struct exchange *x, uint64_t bytes)
{
	if (x->from == FROM_PEER || x->fill != FILL_NONE)
		return;
	tally(x,
		may_be_cached(x) && !x->rendition.rules ? TALLY_ANSWERED
							: TALLY_OTHER,
		bytes);
}

static bool
is_elsewhere(struct exchange *x, bool cacheable)
{
	if (!x->from_peer || !cacheable || x->fill != FILL_NONE)
		return false;
	x->elsewhere = owner_elsewhere(x);
	if (x->elsewhere < 0)
		return false;
	exchange_fail(x, 503, "the key is another node's");
	return true;
}

void
exchange_restart(struct exchange *x)
{
	struct counters *c = &x->worker->counters;
	bool cacheable = may_be_cached(x);
	struct peer *owner = cacheable ? owner_find(x) : NULL;

	if (owner) {
		tally(x, 0, 0);
		exchange_leave_answer(x);
		x->from = FROM_PEER;
		if (!x->on_owner || !x->on_owner(x, owner, false))
			peer_ask(owner, x);
		return;
	}
	if (!x->from_peer && x->fill == FILL_NONE)
		count(&c->local, 1);
	if (is_elsewhere(x, cacheable))
		return;
	answer_here(x);
	if (x->worker->node->config->passes)
		x->why = WHY_BYPASS;
	if (cacheable && x->why != WHY_BYPASS)
		lookup(x);
	else
		lookup_pass(x);
	if (!x->known) /* or else it is counted with the answer */
		tally(x, 0, 0);
}

static bool
expects_the_unknown(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_EXPECT);
	struct str rest, expectation;

	for (; f; f = head_next(h, f)) {
		rest = f->value;
		while (list_next(&rest, &expectation))
			if (!str_ieq(expectation, STR("100-continue")))
				return true;
	}
	return false;
}

/* Whatever it is about, it ends here: refused, or answered by us (RFC 9110,
 * 9.3.7 and 7.6.2). What a TRACE would show is not for everybody. */
static bool
ends_here(struct exchange *x)
{
	const struct node *n = x->worker->node;
	const struct head *h = &x->head;

	if (head_has_token(h, FIELD_CDN_LOOP, str_z(n->cdn_id))) {
		exchange_refuse(x, 508, "this request has been here before");
	} else if (h->method == METHOD_TRACE) {
		exchange_refuse(x, 405, "TRACE is not answered");
	} else if (expects_the_unknown(h)) {
		exchange_refuse(x, 417, "this expectation is unknown");
	} else if (h->method == METHOD_OPTIONS &&
		(str_eq(h->target, STR("*")) || forwarded_hops_left(h) == 0)) {
		count(&x->worker->counters.local, 1);
		x->from = FROM_US;
		x->error = (struct route_error){.status = 200};
	} else {
		return false;
	}
	return true;
}

void
exchange_by_tls(struct exchange *x)
{
	x->tls = true;
	head_set(&x->head, STR("X-Forwarded-Proto"), STR("https"));
}

void
exchange_start(struct exchange *x, const char *raw)
{
	const struct node *n = x->worker->node;
	/* What we store, somebody had the right to ask for. */
	bool is_known = x->from_peer || x->fill == FILL_WARMS;
	struct route_error error;

	x->raw = raw;
	cachectl_parse(&x->head, &x->asked);
	if (ends_here(x))
		return;
	if (route_request(n->config, &x->head, is_known ? NULL : &x->client,
		    &x->arena, &x->route, &error) < 0) {
		exchange_refuse(x, error.status, error.why);
		return;
	}
	owner_place(x);
	x->asks = !x->from_peer && !x->stay && x->fill == FILL_NONE;
	x->upgrade = !x->upload && x->head.method == METHOD_GET &&
		upgrade_is_offered(&x->head);
	rendition_begin(x);
	exchange_restart(x);
}

void
exchange_fill(struct exchange *x, struct peer *p, size_t index, bool cached)
{
	struct route_error error;

	x->fill = cached ? FILL_CACHED : FILL_ASKS;
	cachectl_parse(&x->head, &x->asked);
	if (route_request(x->worker->node->config, &x->head, NULL, &x->arena,
		    &x->route, &error) < 0) {
		exchange_fail(x, error.status, error.why);
		return;
	}
	owner_place(x);
	x->from = FROM_PEER;
	x->owner = index;
	peer_ask(p, x);
}
