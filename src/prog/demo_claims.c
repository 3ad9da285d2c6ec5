/* See demo_claims.h. */
#include "prog/demo_claims.h"

#include "admin/human.h"
#include "admin/table.h"
#include "bench/tree.h"
#include "prog/demo_facts.h"

#include <inttypes.h>

void
demo_table(const struct demo_facts *f, bool colour, struct buf *out)
{
	static const struct table_column columns[] = {
		{"NODE"},
		{"REQUESTS", true},
		{"OF THEM\nLOCAL", true},
		{"OF THEM\nRELAYED", true},
		{"ANSWERED\nAS OWNER", true},
		{"HITS", true},
		{"TO\nCLIENTS", true},
		{"OBJECTS\nHELD", true},
		{"BYTES\nHELD", true},
	};
	struct table *t =
		table_new(columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i <= f->nnodes; i++) {
		bool total = i == f->nnodes;
		const struct demo_node *n = &f->nodes[i];

		if (total)
			table_rule(t);
		table_cell(t, TABLE_PLAIN, "%s", total ? "total" : n->name);
#define CELL(human, name)                \
	table_cell(t, TABLE_PLAIN, "%s", \
		human(total ? DEMO_SUM(f, name) : n->name).z)
		CELL(human_count, requests);
		CELL(human_count, local);
		CELL(human_count, relayed);
		CELL(human_count, served);
		table_cell(t, TABLE_PLAIN, "%s",
			human_share(total ? DEMO_SUM(f, hits) : n->hits,
				total ? DEMO_SUM(f, served) : n->served)
				.z);
		CELL(human_bytes, client_bytes);
		CELL(human_count, objects);
		CELL(human_bytes, cache_bytes);
#undef CELL
	}
	table_write(t, colour, out);
	table_free(t);
}

/* Each claim appends a sentence when it is true. Otherwise it appends what is
 * wrong, and returns false. */
typedef bool claim_fn(const struct demo_facts *f, struct buf *out);

static bool
answers_are_right(const struct demo_facts *f, struct buf *out)
{
	const struct load_result *a = &f->client->visit, *b = &f->client->crowd;
	uint64_t n = load_requests(a) + load_requests(b);

	if (load_wrong(a) + load_wrong(b) == 0 &&
		load_requests(a) == f->tree->n && load_requests(b) > 0) {
		buf_printf(out,
			"All %s answers were, byte for byte, the files on the "
			"origin's disk.",
			human_count(n).z);
		return true;
	}
	buf_printf(out,
		"%" PRIu64 " of %" PRIu64 " answers for %zu files were wrong:",
		load_wrong(a) + load_wrong(b), n, f->tree->n);
	for (unsigned i = LOAD_RIGHT + 1; i < LOAD_OUTCOMES; i++)
		if (a->outcomes[i] + b->outcomes[i])
			buf_printf(out, " %s: %" PRIu64 ";",
				load_outcome_text(i),
				a->outcomes[i] + b->outcomes[i]);
	return false;
}

/* How often each object may be fetched: once, or once by each node. */
static unsigned
fetches_allowed(const struct demo_facts *f)
{
	return f->policy == &policy_rr ? (unsigned)f->nnodes : 1;
}

static bool
origin_is_spared(const struct demo_facts *f, struct buf *out)
{
	uint64_t sum = f->odd_fetches, wrong = f->odd_fetches;
	size_t worst = 0;

	for (size_t i = 0; i < f->tree->n; i++) {
		sum += f->fetches[i];
		wrong +=
			f->fetches[i] < 1 || f->fetches[i] > fetches_allowed(f);
		if (f->fetches[i] > f->fetches[worst])
			worst = i;
	}
	if (wrong == 0 && sum == DEMO_SUM(f, origin_fetches)) {
		buf_printf(out,
			"The origin's log has %s fetches of %s objects: %s.",
			human_count(sum).z, human_count(f->tree->n).z,
			f->policy == &policy_rr ? "at most one by each node"
						: "each was fetched once");
		return true;
	}
	buf_printf(out,
		"The origin's log has %" PRIu64 " fetches of %zu objects, the "
		"nodes counted %" PRIu64 "; %s was fetched %u times, %" PRIu64
		" fetches were of something else or not in full.",
		sum, f->tree->n, DEMO_SUM(f, origin_fetches),
		f->tree->files[worst].target, f->fetches[worst],
		f->odd_fetches);
	return false;
}

/* The client's tally of that node; all zero when it never met it. */
static struct traffic_node
as_seen(const struct demo_facts *f, const char *name, unsigned *bit)
{
	const struct traffic_tally *t = &f->client->tally;

	for (*bit = 0; *bit < t->nnodes; (*bit)++)
		if (!strcmp(t->nodes[*bit].name, name))
			return t->nodes[*bit];
	return (struct traffic_node){0};
}

static uint64_t
objects_seen_from(const struct demo_facts *f, unsigned bit)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->tree->n && bit < TRAFFIC_NODES; i++)
		n += f->client->tally.owners[i] >> bit & 1;
	return n;
}

/* `copies` of the configuration, by default, and some that are about to go. */
#define COPIES_MOST 1.4

/* What a node holds it has answered for, or lent to one that answered in its
 * place while it was busy. A node of which that is not true is told of. */
static void
look_at_holdings(const struct demo_facts *f, const struct demo_node *n,
	uint64_t seen, struct buf *out)
{
	if (f->policy == &policy_rr ? seen == n->objects
				    : seen + n->lent >= n->objects)
		return;
	buf_printf(out,
		"; %s holds %" PRIu64 ", has answered for %" PRIu64
		" and lent %" PRIu64,
		n->name, n->objects, seen, n->lent);
}

static bool
copies_are_few(const struct demo_facts *f, struct buf *out)
{
	uint64_t held = DEMO_SUM(f, objects), unseen = 0;
	size_t n = f->tree->n;
	double copies = (double)held / (double)n;
	struct buf odd = {0};

	for (size_t i = 0; i < f->nnodes; i++) {
		unsigned bit;

		(void)as_seen(f, f->nodes[i].name, &bit);
		look_at_holdings(
			f, &f->nodes[i], objects_seen_from(f, bit), &odd);
	}
	for (size_t i = 0; i < n; i++)
		unseen += !f->client->tally.owners[i];
	if (buf_len(&odd) == 0 && unseen == 0 && held >= n &&
		(f->policy == &policy_rr || copies <= COPIES_MOST)) {
		buf_printf(out,
			"The nodes hold %s copies of %s objects, %.2f of each; "
			"%s.",
			human_count(held).z, human_count(n).z, copies,
			f->policy == &policy_rr
				? "every one gave answers"
				: "what is hot is held by several");
		return true;
	}
	buf_printf(out,
		"The nodes hold %" PRIu64 " copies of %zu objects; for %" PRIu64
		" of them came no answer%.*s.",
		held, n, unseen, STR_ARG(buf_view(&odd)));
	buf_fini(&odd);
	return false;
}

/* What belongs to no request: health checks, ARP, retransmissions. */
static bool
about_the_same(uint64_t a, uint64_t b, uint64_t slack)
{
	uint64_t d = a > b ? a - b : b - a;

	return d <= slack + b / 20;
}

/* Of one connection, in a frame (handoff/notice.h). */
enum { NOTICE_BYTES = 77 };

static bool
balancer_carries_requests_only(const struct demo_facts *f, struct buf *out)
{
	const struct lab_counters *b = &f->links.balancer,
				  *c = &f->links.client;
	uint64_t answers = f->client->visit.received_bytes +
		f->client->crowd.received_bytes;
	uint64_t told = 0; /* by nodes, of connections that have moved */

	for (size_t i = 0; i < f->nnodes; i++)
		told += f->nodes[i].told;
	if (about_the_same(
		    b->to_host_frames, c->from_host_frames + told, 1000) &&
		about_the_same(
			b->from_host_frames, c->from_host_frames, 1000) &&
		about_the_same(b->to_host_bytes,
			c->from_host_bytes + told * NOTICE_BYTES, 200000) &&
		about_the_same(
			b->from_host_bytes, c->from_host_bytes, 200000) &&
		c->to_host_bytes >= answers) {
		buf_printf(out,
			"Requests crossed the balancer, %s, as much as the "
			"client sent; %s of answers went around it.",
			human_bytes(b->to_host_bytes).z,
			human_bytes(c->to_host_bytes).z);
		return true;
	}
	buf_printf(out,
		"The client sent %" PRIu64 " bytes in %" PRIu64
		" frames, the balancer got %" PRIu64 " in %" PRIu64
		" and sent %" PRIu64 " in %" PRIu64 "; the client got %" PRIu64
		" bytes for answers of %" PRIu64 ".",
		c->from_host_bytes, c->from_host_frames, b->to_host_bytes,
		b->to_host_frames, b->from_host_bytes, b->from_host_frames,
		c->to_host_bytes, answers);
	return false;
}

static bool
figures_agree(const struct demo_facts *f, struct buf *out)
{
	const struct load_result *a = &f->client->visit, *b = &f->client->crowd;
	uint64_t sent = DEMO_SUM(f, client_bytes);
	uint64_t came = a->received_bytes + b->received_bytes;
	bool agree = sent == came && f->client->tally.untold == 0;

	for (size_t i = 0; i < f->nnodes; i++) {
		const struct demo_node *n = &f->nodes[i];
		unsigned bit;
		struct traffic_node seen = as_seen(f, n->name, &bit);

		/* An object may be read from the cache while it is still
		 * being fetched: the node and the client may differ in which
		 * of the two they call that, but not in the sum. */
		uint64_t saved = n->hits + n->coalesced;

		if (n->requests == seen.requests && n->local == seen.local &&
			n->served == seen.owned && saved == seen.saved)
			continue;
		agree = false;
		buf_printf(out,
			"%s counted %" PRIu64 " requests, %" PRIu64
			" local, %" PRIu64 " as owner, %" PRIu64
			" without a fetch; the client saw %" PRIu64 ", %" PRIu64
			", %" PRIu64 ", %" PRIu64 ". ",
			n->name, n->requests, n->local, n->served, saved,
			seen.requests, seen.local, seen.owned, seen.saved);
	}
	if (agree)
		buf_printf(out,
			"What the nodes counted is what the client saw: "
			"requests, hits, and %s to the last byte.",
			human_bytes(came).z);
	else
		buf_printf(out,
			"The nodes sent %" PRIu64
			" bytes, the client got %" PRIu64 "; %" PRIu64
			" answers did not say where they came from.",
			sent, came, f->client->tally.untold);
	return agree;
}

void
demo_verdict(bool ok, bool colour, struct buf *out)
{
	const char *on = !colour ? "" : ok ? "\033[32m" : "\033[31m";

	buf_printf(out, "  %s%s%s  ", on, ok ? "true  " : "UNTRUE",
		colour ? "\033[0m" : "");
}

bool
demo_claims(const struct demo_facts *f, bool colour, struct buf *out)
{
	static claim_fn *const claims[] = {
		answers_are_right,
		origin_is_spared,
		copies_are_few,
		balancer_carries_requests_only,
		figures_agree,
	};
	bool all = true;

	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
		struct buf text = {0};
		bool ok = claims[i](f, &text);

		demo_verdict(ok, colour, out);
		buf_str(out, buf_view(&text));
		buf_z(out, "\n");
		buf_fini(&text);
		all = all && ok;
	}
	return all;
}
