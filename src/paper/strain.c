/* See strain.h. */
#include "paper/strain.h"

#include "base/clock.h"
#include "base/own.h"

#include <errno.h>

/* user nice system idle iowait irq softirq steal; what follows (guest) is in
 * the first two already. */
enum { IDLE = 3, IOWAIT = 4, STEAL = 7, COLUMNS = 8 };

bool
strain_parse(struct str text, struct strain_times *out)
{
	struct strain_times t = {0};
	struct str line, word;
	unsigned column = 0;

	if (!str_split(&text, '\n', &line) || !str_split(&line, ' ', &word) ||
		!str_eq(word, STR("cpu")))
		return false;
	while (column < COLUMNS && str_split(&line, ' ', &word)) {
		uint64_t n;

		if (word.n == 0)
			continue;
		if (str_u64(word, UINT64_MAX / 16, &n) < 0)
			return false;
		t.all += n;
		t.idle += column == IDLE || column == IOWAIT ? n : 0;
		t.steal += column == STEAL ? n : 0;
		column++;
	}
	if (column < COLUMNS)
		return false;
	*out = t;
	return true;
}

int
strain_read(struct strain_times *out)
{
	own_file FILE *f = fopen("/proc/stat", "re");
	char line[512];

	if (!f || !fgets(line, sizeof(line), f))
		return -EIO;
	return strain_parse(str_z(line), out) ? 0 : -EBADMSG;
}

static double
share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

double
strain_idle(const struct strain_times *a, const struct strain_times *b)
{
	return share(b->idle - a->idle, b->all - a->all);
}

double
strain_steal(const struct strain_times *a, const struct strain_times *b)
{
	return share(b->steal - a->steal, b->all - a->all);
}

_Noreturn void
strain_sleep(struct hist *late_ns)
{
	const struct timespec nap = {0, NS_PER_MS};

	for (;;) {
		uint64_t due = clock_mono_ns() + NS_PER_MS, now;

		nanosleep(&nap, NULL);
		now = clock_mono_ns();
		hist_add(late_ns, now > due ? now - due : 0);
	}
}

void
strain_since(const struct hist *a, const struct hist *b, struct hist *out)
{
	*out = (struct hist){
		.n = b->n - a->n, .max = b->max, .sum = b->sum - a->sum};
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		out->count[i] = b->count[i] - a->count[i];
}
