#include "prog/handoff_figures.h"

#include <inttypes.h>
#include <math.h>

#include "admin/table.h"

const uint64_t figures_sizes[FIGURES_SIZES] = {
	1 << 10, 10 << 10, 30 << 10, 100 << 10, 300 << 10, 1 << 20, 10 << 20};

enum { STICKY_SMALL = 1 << 10, STICKY_LARGE = 100 << 10 };

static void
put_table(const char *title, const struct cost rows[FIGURES_SIZES][WAYS],
	struct buf *out)
{
	static const struct table_column columns[] = {{"bytes", true},
		{"local", true}, {"relay", true}, {"handoff", true},
		{"relay,\nfirst", true}, {"handoff,\nfirst", true},
		{"relay,\np50 us", true}, {"handoff,\np50 us", true}};
	struct table *t = table_new(columns, 8);

	buf_printf(out, "%s\n", title);
	for (size_t i = 0; i < FIGURES_SIZES; i++) {
		const struct cost *c = rows[i];

		table_cell(t, TABLE_PLAIN, "%" PRIu64, figures_sizes[i]);
		for (enum way w = LOCAL; w < WAYS; w++)
			table_cell(t, TABLE_PLAIN, "%.1f", c[w].both_us);
		table_cell(t, TABLE_PLAIN, "%.1f", c[RELAY].first_us);
		table_cell(t, TABLE_PLAIN, "%.1f", c[HANDOFF].first_us);
		table_cell(
			t, TABLE_PLAIN, "%.0f", (double)c[RELAY].p50_ns / 1e3);
		table_cell(t, TABLE_PLAIN, "%.0f",
			(double)c[HANDOFF].p50_ns / 1e3);
	}
	table_write(t, false, out);
	table_free(t);
}

uint64_t
figures_wrong(const struct figures *f)
{
	uint64_t sum = 0;

	for (enum way w = LOCAL; w < WAYS; w++) {
		sum += f->crowd[w].wrong;
		for (size_t i = 0; i < FIGURES_SIZES; i++)
			sum += f->fresh[i][w].wrong + f->kept[i][w].wrong;
	}
	return sum;
}

/* The size from which on a move costs less; between two sizes, in proportion.
 * 0: it always does; infinite: never. */
static double
break_even(const struct cost rows[FIGURES_SIZES][WAYS])
{
	double last = 0;

	for (size_t i = 0; i < FIGURES_SIZES; i++) {
		double gain = rows[i][RELAY].both_us - rows[i][HANDOFF].both_us;
		uint64_t below = i ? figures_sizes[i - 1] : 0;

		if (gain >= 0)
			return i == 0 ? 0
				      : (double)below +
					(double)(figures_sizes[i] - below) *
						-last / (gain - last);
		last = gain;
	}
	return INFINITY;
}

/* What a move costs, both nodes together. */
static double
move_us(const struct cost c[WAYS])
{
	return c[HANDOFF].both_us - c[LOCAL].both_us;
}

/* Of what passing on costs, when each connection has one owner. */
static double
sticky(const struct figures *f, uint64_t size)
{
	for (size_t i = 0; i < FIGURES_SIZES; i++)
		if (figures_sizes[i] == size)
			return f->kept[i][HANDOFF].both_us /
				f->kept[i][RELAY].both_us;
	return 0;
}

void
figures_put_text(const struct figures *f, struct buf *out)
{
	double even = break_even(f->fresh);
	uint64_t wrong = figures_wrong(f);

	put_table("CPU of both nodes, us per request; a connection for each",
		f->fresh, out);
	put_table("\n... with 64 requests on each connection", f->kept, out);
	buf_printf(out,
		"\na move costs %.1f us, both nodes together; with %d "
		"connections at a\ntime, whose messages share writes, %.1f us; "
		"the kernel takes %.1f of them\nto take a socket apart and put "
		"it together\n",
		move_us(f->fresh[0]), FIGURES_CROWD, move_us(f->crowd),
		f->repair_us);
	if (isfinite(even))
		buf_printf(out,
			"it costs less than passing on from %.0f KB on\n",
			even / 1024);
	else
		buf_z(out, "it costs more than passing on, at any size here\n");
	buf_printf(out,
		"with 64 requests on a connection it costs %.2f of passing on "
		"at 1 KB,\nand %.2f at 100 KB\n",
		sticky(f, STICKY_SMALL), sticky(f, STICKY_LARGE));
	if (wrong)
		buf_printf(out, "%" PRIu64 " answers were WRONG\n", wrong);
}

static void
put_summary_json(const struct figures *f, struct buf *out)
{
	double even = break_even(f->fresh);

	buf_printf(out,
		"{\"move_us\":%.2f,\"move_us_crowd\":%.2f,"
		"\"repair_us\":%.2f,"
		"\"sticky_1k\":%.3f,\"sticky_100k\":%.3f",
		move_us(f->fresh[0]), move_us(f->crowd), f->repair_us,
		sticky(f, STICKY_SMALL), sticky(f, STICKY_LARGE));
	if (isfinite(even)) /* else it never pays */
		buf_printf(out, ",\"break_even_bytes\":%.0f", even);
	buf_z(out, "}\n");
}

static void
put_json(const char *kind, int at_once, const struct cost rows[][WAYS],
	size_t n, struct buf *out)
{
	static const char *const names[] = {"local", "relay", "handoff"};

	for (size_t i = 0; i < n; i++)
		for (enum way w = LOCAL; w < WAYS; w++)
			buf_printf(out,
				"{\"connections\":\"%s\",\"at_once\":%d,"
				"\"bytes\":%" PRIu64
				",\"way\":\"%s\",\"cpu_us\":%.2f,"
				"\"first_cpu_us\":%.2f,\"p50_us\":%.1f,"
				"\"p99_us\":%.1f,\"wrong\":%" PRIu64 "}\n",
				kind, at_once, figures_sizes[i], names[w],
				rows[i][w].both_us, rows[i][w].first_us,
				(double)rows[i][w].p50_ns / 1e3,
				(double)rows[i][w].p99_ns / 1e3,
				rows[i][w].wrong);
}

void
figures_put_json(const struct figures *f, struct buf *out)
{
	put_json("fresh", FIGURES_CONNECTIONS, f->fresh, FIGURES_SIZES, out);
	put_json("kept", FIGURES_CONNECTIONS, f->kept, FIGURES_SIZES, out);
	put_json("fresh", FIGURES_CROWD, &f->crowd, 1, out);
	put_summary_json(f, out);
}
