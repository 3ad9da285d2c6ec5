/* See surge.h: the files, their popularity, and what is embedded in what. */
#include "bench/surge_internal.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"

#include <math.h>

const struct lognormal surge_body_bytes = {9.357, 1.318};
const struct pareto surge_tail_bytes = {133e3, 1.1};
const struct pareto surge_request_bytes = {1000, 1.0};
const struct pareto surge_embedded = {1, 2.43};
const struct pareto surge_inactive_off_s = {1, 1.5};
const struct weibull surge_active_off_s = {1.46, 0.382};
const struct lognormal surge_distance = {1.5, 0.80};

static const double shares[] = {
	[SURGE_BASE] = 0.30,
	[SURGE_EMBEDDED] = 0.38,
	[SURGE_SINGLE] = 0.32,
};

/* --- sizes --------------------------------------------------------------- */

double
surge_size_cdf(double bytes)
{
	double k = surge_tail_bytes.k;
	double whole = lognormal_cdf(&surge_body_bytes, k);

	if (bytes < k)
		return (1 - SURGE_TAIL) *
			lognormal_cdf(&surge_body_bytes, bytes) / whole;
	return 1 - SURGE_TAIL * (1 - pareto_cdf(&surge_tail_bytes, bytes));
}

static double
size_quantile(double u)
{
	double whole = lognormal_cdf(&surge_body_bytes, surge_tail_bytes.k);

	if (u < 1 - SURGE_TAIL)
		return lognormal_quantile(
			&surge_body_bytes, u / (1 - SURGE_TAIL) * whole);
	return pareto_quantile(
		&surge_tail_bytes, (u - (1 - SURGE_TAIL)) / SURGE_TAIL);
}

/* One draw from each of n equal parts of the distribution: every seed has the
 * whole of it, in order. Of the last part the upper half is left out: it has no
 * end. */
static void
make_sizes(struct surge *s, struct rng *rng)
{
	char target[32];

	for (size_t i = 0; i < s->nfiles; i++) {
		double part = rng_unit(rng) / (i + 1 == s->nfiles ? 2 : 1);
		double u = ((double)i + part) / (double)s->nfiles;
		int n = snprintf(target, sizeof(target), "/surge/%05zu", i);

		catalog_add(&s->catalog, str_of(target, (size_t)n),
			(uint64_t)llround(size_quantile(u)));
	}
}

/* --- popularity, by matching --------------------------------------------- */

/* How many files are asked for that often, most popular first. */
struct level {
	uint32_t requests;
	uint32_t files;
};

/* Zipf's law for n files, of which the last is asked for once. */
static size_t
make_levels(size_t n, struct level *levels, double *sum)
{
	size_t used = 0;

	*sum = 0;
	for (size_t rank = 1; rank <= n; rank++) {
		uint32_t requests = (uint32_t)lround(
			pow((double)n / (double)rank, SURGE_ZIPF));

		if (used == 0 || levels[used - 1].requests != requests)
			levels[used++] = (struct level){requests, 0};
		levels[used - 1].files++;
		*sum += requests;
	}
	return used;
}

static uint32_t
take_nearest(struct level *levels, size_t n, double want)
{
	struct level *best = NULL;

	for (struct level *l = levels; l < levels + n; l++)
		if (l->files &&
			(!best ||
				fabs(l->requests - want) <
					fabs(best->requests - want)))
			best = l;
	CHECK(best);
	best->files--;
	return best->requests;
}

static void
match(struct surge *s)
{
	own_free struct level *levels = xcalloc(s->nfiles, sizeof(*levels));
	const struct object *o = s->catalog.objects;
	double sum, given = 0;
	size_t n = make_levels(s->nfiles, levels, &sum);

	for (size_t i = s->nfiles; i-- > 0;) {
		/* What is asked for from here up, as it should be. */
		double edge = i
			? sqrt((double)o[i].bytes * (double)o[i - 1].bytes)
			: 0;
		double want =
			sum * (1 - pareto_cdf(&surge_request_bytes, edge));

		s->files[i].requests = take_nearest(levels, n, want - given);
		given += s->files[i].requests;
	}
}

/* --- pages and what is in them ------------------------------------------- */

static int
compare_requests(const void *a, const void *b)
{
	const struct surge_file *const *x = a, *const *y = b;

	if ((*x)->requests != (*y)->requests)
		return (*x)->requests < (*y)->requests ? 1 : -1;
	return *x < *y ? -1 : 1;
}

/* The files, most popular first. */
static void
sort_by_popularity(struct surge *s, struct surge_file **v)
{
	for (size_t i = 0; i < s->nfiles; i++)
		v[i] = &s->files[i];
	qsort(v, s->nfiles, sizeof(*v), compare_requests);
}

/* Each class gets its share of all requests, not only of the files, or what is
 * embedded could not have its popularity: the most popular files are dealt
 * first, each to the class that lacks most, give or take half of the file. */
static void
classify(struct surge *s, struct surge_file **sorted, struct rng *rng)
{
	double given[3] = {0}, all = 0;

	for (size_t i = 0; i < s->nfiles; i++) {
		double requests = sorted[i]->requests, most = -INFINITY;
		unsigned best = 0;

		all += requests;
		for (unsigned c = 0; c < 3; c++) {
			double lack = shares[c] * all - given[c] +
				rng_unit(rng) * requests / 2;

			if (lack > most) {
				most = lack;
				best = c;
			}
		}
		sorted[i]->class = best;
		given[best] += requests;
	}
}

static bool
is_linked(const struct surge *s, const struct surge_file *page, uint32_t file)
{
	for (uint32_t i = 0; i < page->nlinks; i++)
		if (s->links[page->first + i] == file)
			return true;
	return false;
}

/* The embedded file, not yet on the page, that lacks the most requests; the
 * number of files if there is none. */
static uint32_t
neediest(const struct surge *s, const struct surge_file *page,
	const double *need)
{
	uint32_t best = (uint32_t)s->nfiles;

	for (uint32_t i = 0; i < s->nfiles; i++)
		if (s->files[i].class == SURGE_EMBEDDED &&
			(best == s->nfiles || need[i] > need[best]) &&
			!is_linked(s, page, i))
			best = i;
	return best;
}

static void
link_page(
	struct surge *s, struct surge_file *page, uint32_t links, double *need)
{
	page->first = (uint32_t)s->nlinks;
	s->links = xrealloc(s->links, (s->nlinks + links) * sizeof(*s->links));
	while (page->nlinks < links) {
		uint32_t file = neediest(s, page, need);

		if (file == s->nfiles)
			break;
		need[file] -= page->requests;
		page->nlinks++;
		s->links[s->nlinks++] = file;
	}
}

/* The most popular pages choose first. */
static void
link_pages(struct surge *s, struct surge_file **sorted, struct rng *rng)
{
	own_free double *need = xcalloc(s->nfiles, sizeof(*need));

	for (size_t i = 0; i < s->nfiles; i++)
		need[i] = s->files[i].requests;
	for (size_t i = 0; i < s->nfiles; i++) {
		if (sorted[i]->class != SURGE_BASE)
			continue;
		double links = pareto_quantile(&surge_embedded, rng_unit(rng));

		link_page(s, sorted[i],
			(uint32_t)fmin(links, (double)s->nfiles), need);
	}
}

/* --- whole --------------------------------------------------------------- */

struct surge *
surge_new(unsigned nfiles, unsigned users, uint64_t seed)
{
	struct surge *s = NEW(struct surge);
	own_free struct surge_file **sorted = xcalloc(nfiles, sizeof(*sorted));
	struct rng rng = {seed};

	CHECK(nfiles >= SURGE_FILES_MIN && nfiles <= SURGE_FILES_MAX);
	s->nfiles = nfiles;
	s->files = xcalloc(nfiles, sizeof(*s->files));
	make_sizes(s, &rng);
	match(s);
	sort_by_popularity(s, sorted);
	classify(s, sorted, &rng);
	link_pages(s, sorted, &rng);
	surge_order_init(s, users, rng_u64(&rng));
	return s;
}

void
surge_free(struct surge *s)
{
	if (!s)
		return;
	surge_order_fini(s);
	catalog_fini(&s->catalog);
	free(s->files);
	free(s->links);
	free(s);
}

const struct catalog *
surge_catalog(const struct surge *s)
{
	return &s->catalog;
}

const struct surge_file *
surge_files(const struct surge *s)
{
	return s->files;
}

const uint32_t *
surge_links(const struct surge *s)
{
	return s->links;
}
