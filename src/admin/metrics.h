#pragma once
/*
 * Figures as Prometheus reads them (text format, 0.0.4): a family at a time,
 * its samples right behind it. Names get "sevenfold_" in front, and a
 * counter's "_total" behind; they are not escaped, label values are.
 */
#include "base/buf.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE };

struct metrics {
	struct buf *out; /* borrowed */
	enum metrics_kind kind;
	char name[64]; /* of the family */
};

/* Begins one; help is one line. */
void metrics_family(struct metrics *m, enum metrics_kind kind, const char *name,
	const char *help);
/* labels: pairs of name and value, then NULL. */
void metrics_sample(struct metrics *m, const char *const *labels, double v);
/* A family of one sample. */
void metrics_one(struct metrics *m, enum metrics_kind kind, const char *name,
	const char *help, double v);
