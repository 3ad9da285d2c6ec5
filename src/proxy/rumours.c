#include "proxy/rumours.h"

#include "base/clock.h"
#include "proxy/scarcity.h"

/* News older than that count no more; shorter, and those would be left out who
 * are so busy that it takes its time. */
enum { STALE_MS = 5000 };

/* As many bytes as a request costs beside those of the body: on a link, a head,
 * the packets that say that all has come, and what a move takes of who gets the
 * connection; of a processor, what it takes to answer it at all, for what a
 * byte takes. */
#define REQUEST_LINK_BYTES 640.0
#define REQUEST_CPU_BYTES 65536.0

void
rumours_init(struct rumours *r)
{
	pthread_mutex_init(&r->lock, NULL);
}

void
rumours_fini(struct rumours *r)
{
	pthread_mutex_destroy(&r->lock);
}

/* --- each ----------------------------------------------------------------- */

static bool
is_fresh(const struct rumour *r, uint64_t now_ns)
{
	/* Our own may be of this very moment, which the loop's clock has not
	 * reached. */
	return r->heard_ns && now_ns <= r->heard_ns + STALE_MS * NS_PER_MS;
}

/* Numbers begin again where a node starts with its clock set back. */
void
rumours_hear(struct rumours *r, size_t member, const struct news *news)
{
	struct rumour *last = &r->v[member];
	uint64_t now_ns = clock_mono_ns();

	pthread_mutex_lock(&r->lock);
	if (!is_fresh(last, now_ns) || news->number > last->news.number) {
		last->news = *news;
		last->heard_ns = now_ns;
		atomic_store(&r->loads[member], news->load);
		atomic_store(&r->heard_ns[member], last->heard_ns);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
rumours_load(const struct rumours *r, size_t member, uint32_t *load)
{
	uint64_t heard_ns = atomic_load(&r->heard_ns[member]);

	*load = atomic_load(&r->loads[member]);
	return heard_ns && clock_mono_ns() - heard_ns < STALE_MS * NS_PER_MS;
}

double
rumours_rate(struct rumours *r, size_t member, uint64_t key)
{
	const struct news *news = &r->v[member].news;
	double rate = 0;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < news->n; i++)
		if (news->keys[i].key.hash == key)
			rate = news->keys[i].rate.rate;
	pthread_mutex_unlock(&r->lock);
	return rate;
}

/* --- all of them ---------------------------------------------------------- */

static bool
are_links_scarce(const struct rumours *r, uint64_t now_ns)
{
	unsigned nodes = 0, scarce = 0;

	for (size_t i = 0; i < RUMOURS; i++)
		if (is_fresh(&r->v[i], now_ns)) {
			nodes++;
			scarce += r->v[i].news.link_is_scarce;
		}
	return 2 * scarce > nodes;
}

/* Where links are full: who had better have more, or less, going by what waits
 * there? Weights are of what nodes can take, and the wait has those in it. */
static void
find_excess(const struct rumours *r, uint64_t now_ns, double *excess)
{
	double sum = 0;
	unsigned n = 0;

	for (size_t i = 0; i < RUMOURS; i++)
		if (is_fresh(&r->v[i], now_ns)) {
			sum += r->v[i].news.wait_ms;
			n++;
		}
	for (size_t i = 0; i < RUMOURS; i++)
		if (is_fresh(&r->v[i], now_ns))
			excess[i] =
				scarcity_excess(r->v[i].news.wait_ms, sum / n);
}

static void
add_cost(struct demand_rate *rate, double each)
{
	rate->work += each * rate->rate;
}

static void
add(struct demand *out, size_t member, struct news news, double each)
{
	add_cost(&news.all, each);
	for (size_t i = 0; i < news.n; i++)
		add_cost(&news.keys[i].rate, each);
	demand_add(out, member, &news.all, news.keys, news.n);
}

uint64_t
rumours_add_up(struct rumours *r, uint64_t now_ns, struct demand *out,
	struct demand_members *m)
{
	uint64_t objects = 0;
	bool scarce;

	pthread_mutex_lock(&r->lock);
	scarce = are_links_scarce(r, now_ns);
	atomic_store(&r->links_are_scarce, scarce);
	if (scarce)
		find_excess(r, now_ns, m->excess);
	for (size_t i = 0; i < RUMOURS; i++) {
		bool fresh = is_fresh(&r->v[i], now_ns);
		const struct news *news = &r->v[i].news;

		m->in[i] = fresh ? news->in : -1;
		if (!fresh)
			continue;
		add(out, i, *news,
			scarce ? REQUEST_LINK_BYTES : REQUEST_CPU_BYTES);
		objects += news->objects;
	}
	pthread_mutex_unlock(&r->lock);
	return objects;
}

bool
rumours_links_are_scarce(const struct rumours *r)
{
	return atomic_load_explicit(&r->links_are_scarce, memory_order_relaxed);
}
