/* See gauge.h. */
#include "paper/gauge.h"

#include "base/clock.h"
#include "base/own.h"
#include "lab/topo.h"
#include "paper/clients.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

/* The hosts that are read: the client's comes first, the nodes last. */
enum { CLIENT, BALANCER, FIRST_NODE };

int
gauge_fetches(const char *origin_log, uint64_t *out)
{
	own_file FILE *f = fopen(origin_log, "re");
	char bytes[16384];
	uint64_t lines = 0;
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		for (size_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	*out = lines;
	return 0;
}

static int
read_host(const struct gauge_sources *s, struct host_gauge *h)
{
	int r = lab_port_counters(h->name, &h->link);

	h->at_ns = clock_mono_ns();
	if (r < 0)
		return r;
	if (strcmp(h->name, "client") != 0)
		return lab_arch_stats(h->name, &h->stats);
	h->stats = (struct lab_stats){.cpu_ns = clients_cpu_ns(s->clients)};
	return 0;
}

struct reader {
	const struct gauge_sources *sources;
	struct host_gauge *host;
	pthread_t thread;
	int r;
};

static void *
reader_main(void *arg)
{
	struct reader *reader = arg;

	reader->r = read_host(reader->sources, reader->host);
	return NULL;
}

/* All at once: where time is scarce each takes seconds to say a word. */
static int
read_hosts(const struct gauge_sources *s, struct gauge *g)
{
	struct reader readers[RESULT_HOSTS];
	size_t begun = 0;
	int r = 0;

	g->nhosts = 0;
	for (unsigned i = TOPO_CLIENT; i < TOPO_FIRST_NODE + s->nodes; i++) {
		struct topo_host h = topo_host(i);

		if (h.kind == TOPO_ORIGIN)
			continue;
		strcpy(g->hosts[g->nhosts].name, h.name);
		readers[g->nhosts] = (struct reader){
			.sources = s, .host = &g->hosts[g->nhosts]};
		g->nhosts++;
	}
	for (; begun < g->nhosts && r == 0; begun += r == 0)
		r = -pthread_create(&readers[begun].thread, NULL, reader_main,
			&readers[begun]);
	for (size_t i = 0; i < begun; i++) {
		pthread_join(readers[i].thread, NULL);
		r = r < 0 ? r : readers[i].r;
	}
	return r;
}

static int
read_rest(const struct gauge_sources *s, struct gauge *g)
{
	int r = strain_read(&g->strain);

	g->at_ns = clock_mono_ns();
	g->play = *s->clients->tally;
	g->late_ns = *s->late_ns;
	return r < 0 ? r : gauge_fetches(s->origin_log, &g->fetches);
}

int
gauge_read(const struct gauge_sources *s, bool hosts_first, struct gauge *out)
{
	int r = hosts_first ? read_hosts(s, out) : 0;

	if (r == 0)
		r = read_rest(s, out);
	return r == 0 && !hosts_first ? read_hosts(s, out) : r;
}

/* --- between two readings --- */

static double
rate(uint64_t a, uint64_t b, double s)
{
	return s > 0 ? (double)(b - a) / s : 0;
}

static double
mbit(uint64_t a, uint64_t b, double s)
{
	return 8 * rate(a, b, s) / 1e6;
}

static double
ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

static void
hosts_figures(const struct gauge *a, const struct gauge *b, struct result *r)
{
	r->nhosts = b->nhosts;
	for (size_t i = 0; i < b->nhosts; i++) {
		const struct host_gauge *p = &a->hosts[i], *q = &b->hosts[i];
		struct host_figures *h = &r->hosts[i];
		double s = (double)(q->at_ns - p->at_ns) / 1e9;

		strcpy(h->name, q->name);
		h->to_mbit =
			mbit(p->link.to_host_bytes, q->link.to_host_bytes, s);
		h->from_mbit = mbit(
			p->link.from_host_bytes, q->link.from_host_bytes, s);
		h->cpu = rate(p->stats.cpu_ns, q->stats.cpu_ns, s) / 1e9;
		h->requests_per_s =
			rate(p->stats.requests, q->stats.requests, s);
	}
}

static void
note_busiest(struct result *r, const char *host, const char *way, double use)
{
	if (use <= r->f.busiest)
		return;
	r->f.busiest = use;
	snprintf(r->busiest, sizeof(r->busiest), "%s, %s", host, way);
}

static void
link_figures(struct result *r, double client_mbit)
{
	double sent = 0, most_sent = 0, requests = 0, most = 0, cpu = 0;
	double nodes = (double)(r->nhosts - FIRST_NODE);

	r->f.busiest = 0;
	for (size_t i = 0; i < r->nhosts; i++) {
		const struct host_figures *h = &r->hosts[i];
		double rate = i == CLIENT ? client_mbit : r->f.link_mbit;

		note_busiest(r, h->name, "received", h->to_mbit / rate);
		note_busiest(r, h->name, "sent", h->from_mbit / rate);
		cpu += h->cpu;
		if (i < FIRST_NODE)
			continue;
		sent += h->from_mbit;
		most_sent = fmax(most_sent, h->from_mbit);
		requests += h->requests_per_s;
		most = fmax(most, h->requests_per_s);
	}
	r->f.nodes_sent = sent / nodes / r->f.link_mbit;
	r->f.balancer_sent = r->hosts[BALANCER].from_mbit / r->f.link_mbit;
	r->f.sent_balance = ratio(most_sent, sent / nodes);
	r->f.balance = ratio(most, requests / nodes);
	r->f.crossing = ratio(sent, r->hosts[CLIENT].to_mbit);
	r->f.lab_cpu = cpu;
}

static void
play_figures(const struct gauge *a, const struct gauge *b, struct figures *f)
{
	const struct load_result *p = &a->play.load, *q = &b->play.load;
	double s = (double)(b->at_ns - a->at_ns) / 1e9;
	static struct hist latency_ns;

	strain_since(&p->latency_ns, &q->latency_ns, &latency_ns);
	f->measured_s = s;
	f->requests =
		(double)(q->outcomes[LOAD_RIGHT] - p->outcomes[LOAD_RIGHT]);
	f->wrong = (double)(load_wrong(q) - load_wrong(p));
	f->requests_per_s = ratio(f->requests, s);
	f->mbit_per_s = mbit(p->received_bytes, q->received_bytes, s);
	f->p50_ms = (double)hist_quantile(&latency_ns, 0.5) / 1e6;
	f->p99_ms = (double)hist_quantile(&latency_ns, 0.99) / 1e6;
	f->relayed =
		ratio((double)(b->play.relayed - a->play.relayed), f->requests);
	f->hits = fmax(
		0, 1 - ratio((double)(b->fetches - a->fetches), f->requests));
}

static void
tell_wrong(const struct gauge *a, const struct gauge *b, struct result *r)
{
	size_t at = 0;

	r->wrong[0] = '\0';
	for (unsigned i = LOAD_RIGHT + 1; i < LOAD_OUTCOMES; i++) {
		uint64_t n =
			b->play.load.outcomes[i] - a->play.load.outcomes[i];

		if (n > 0 && at < sizeof(r->wrong))
			at += (size_t)snprintf(r->wrong + at,
				sizeof(r->wrong) - at, "%s%llu %s",
				at ? ", " : "", (unsigned long long)n,
				load_outcome_text(i));
	}
}

static double
copies(const struct gauge *g)
{
	double objects = 0;

	for (size_t i = FIRST_NODE; i < g->nhosts; i++)
		objects += (double)g->hosts[i].stats.objects;
	return ratio(objects, (double)g->play.targets);
}

void
gauge_figures(const struct gauge *a, const struct gauge *b, double client_mbit,
	struct result *r)
{
	static struct hist late_ns;

	play_figures(a, b, &r->f);
	tell_wrong(a, b, r);
	hosts_figures(a, b, r);
	link_figures(r, client_mbit);
	strain_since(&a->late_ns, &b->late_ns, &late_ns);
	r->f.copies = copies(b);
	r->f.idle = strain_idle(&a->strain, &b->strain);
	r->f.steal = strain_steal(&a->strain, &b->strain);
	r->f.late_p99_ms = (double)hist_quantile(&late_ns, 0.99) / 1e6;
}
