#include "admin/metrics.h"

#include <math.h>
#include <stdio.h>

/* In a help text a quote is itself, in a label it is not. */
static void
put_escaped(struct buf *out, const char *z, bool quoted)
{
	for (; *z; z++)
		if (*z == '\n')
			buf_z(out, "\\n");
		else if (*z == '\\' || (quoted && *z == '"'))
			buf_printf(out, "\\%c", *z);
		else
			buf_append(out, z, 1);
}

void
metrics_family(struct metrics *m, enum metrics_kind kind, const char *name,
	const char *help)
{
	bool counter = kind == METRICS_COUNTER;

	m->kind = kind;
	snprintf(m->name, sizeof(m->name), "sevenfold_%s%s", name,
		counter ? "_total" : "");
	buf_printf(m->out, "# HELP %s ", m->name);
	put_escaped(m->out, help, false);
	buf_printf(m->out, "\n# TYPE %s %s\n", m->name,
		counter ? "counter" : "gauge");
}

static void
put_number(struct buf *out, double v)
{
	/* 2^53: up to there each is exact */
	if (v == floor(v) && fabs(v) <= 9007199254740992.)
		buf_printf(out, " %.0f\n", v);
	else
		buf_printf(out, " %.17g\n", v);
}

static void
put_value(struct metrics *m, double v)
{
	buf_z(m->out, m->name);
	put_number(m->out, v);
}

void
metrics_sample(struct metrics *m, const char *const *labels, double v)
{
	const char *before = "{";

	buf_z(m->out, m->name);
	for (; *labels; labels += 2) {
		buf_printf(m->out, "%s%s=\"", before, labels[0]);
		put_escaped(m->out, labels[1], true);
		buf_z(m->out, "\"");
		before = ",";
	}
	buf_z(m->out, *before == ',' ? "}" : "");
	put_number(m->out, v);
}

void
metrics_one(struct metrics *m, enum metrics_kind kind, const char *name,
	const char *help, double v)
{
	metrics_family(m, kind, name, help);
	put_value(m, v);
}
