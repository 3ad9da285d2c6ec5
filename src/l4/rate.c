#include "l4/rate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "l4/control.h"

#include <stdlib.h>

#define EVERY_NS (2 * NS_PER_S)
#define VALUES 5

/* Of a destination, by its number. */
struct gauge {
	struct l4_stat zero, last;
	double rate[VALUES];
	bool seen;
};

struct rates {
	struct gauge *gauges; /* owned; L4_DESTS_MAX */
	uint64_t last_ns;
};

struct rates *
rates_new(void)
{
	struct rates *r = NEW(struct rates);

	r->gauges = xcalloc(L4_DESTS_MAX, sizeof(*r->gauges));
	return r;
}

void
rates_free(struct rates *r)
{
	if (!r)
		return;
	free(r->gauges);
	free(r);
}

static uint64_t
value(const struct l4_stat *s, int i)
{
	const uint64_t v[VALUES] = {s->connections, s->in_packets,
		s->out_packets, s->in_bytes, s->out_bytes};

	return v[i];
}

static void
gauge_tick(struct gauge *g, const struct l4_stat *now, double s)
{
	for (int i = 0; i < VALUES && g->seen; i++) {
		double d = (double)(value(now, i) - value(&g->last, i)) / s;

		g->rate[i] += (d - g->rate[i]) / 4;
	}
	g->seen = true;
	g->last = *now;
}

void
rates_tick(struct rates *r, const struct driver *d, const struct rules *rules,
	uint64_t now_ns)
{
	double s = (double)(now_ns - r->last_ns) / (double)NS_PER_S;

	if (now_ns - r->last_ns < EVERY_NS)
		return;
	r->last_ns = now_ns;
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->services[i].nservers; k++) {
			const struct rules_server *server =
				&rules->services[i].servers[k];
			struct driver_counts c = {0};

			d->ops->counts(d->ctx, &rules->services[i], server, &c);
			gauge_tick(&r->gauges[server->number], &c.stat, s);
		}
}

static void
subtract(struct l4_stat *s, const struct l4_stat *zero)
{
	s->connections -= zero->connections;
	s->in_packets -= zero->in_packets;
	s->out_packets -= zero->out_packets;
	s->in_bytes -= zero->in_bytes;
	s->out_bytes -= zero->out_bytes;
}

static void
add(struct l4_stat *s, const struct l4_stat *more)
{
	s->connections += more->connections;
	s->in_packets += more->in_packets;
	s->out_packets += more->out_packets;
	s->in_bytes += more->in_bytes;
	s->out_bytes += more->out_bytes;
}

void
rates_server(const struct rates *r, const struct rules_server *s,
	struct l4_stat *stat, struct control_rate *rate)
{
	const struct gauge *g = &r->gauges[s->number];

	subtract(stat, &g->zero);
	for (int i = 0; i < VALUES; i++)
		rate->value[i] = g->rate[i];
}

static void
add_server(const struct rates *r, const struct driver *d,
	const struct rules_service *s, const struct rules_server *server,
	struct l4_stat *out, struct control_rate *rate)
{
	struct driver_counts c = {0};
	struct control_rate one;

	d->ops->counts(d->ctx, s, server, &c);
	rates_server(r, server, &c.stat, &one);
	add(out, &c.stat);
	for (int i = 0; i < VALUES; i++)
		rate->value[i] += one.value[i];
}

void
rates_service(const struct rates *r, const struct driver *d,
	const struct rules *rules, const struct rules_service *s,
	struct l4_stat *out, struct control_rate *rate)
{
	*out = (struct l4_stat){0};
	*rate = (struct control_rate){{0}};
	for (size_t i = 0; i < s->nservers; i++)
		add_server(r, d, s, &s->servers[i], out, rate);
	for (size_t i = 0; i < rules->ntrash; i++)
		if (rules->trash[i].service == s->number)
			add_server(r, d, s, &rules->trash[i].server, out, rate);
}

void
rates_zero(struct rates *r, const struct driver *d, const struct rules *rules,
	const struct rules_service *s)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rules_service *at = &rules->services[i];

		for (size_t k = 0; k < at->nservers && (!s || s == at); k++) {
			struct driver_counts c = {0};

			d->ops->counts(d->ctx, at, &at->servers[k], &c);
			r->gauges[at->servers[k].number].zero = c.stat;
		}
	}
}
