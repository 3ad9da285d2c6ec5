#pragma once
/* What a load showed (bench/load.h), for people and for programs. */
#include "bench/load.h"

#include <jansson.h>
#include <stdio.h>

/* The lines on rate, speed, latency and answers. */
void load_report(FILE *out, const struct load *l, const struct load_result *r);
/* How many answers were wrong, and in what way; or that none was, and what was
 * right: "byte for byte". */
void
load_report_verdict(FILE *out, const struct load_result *r, const char *how);
/* A new reference. */
json_t *load_report_json(const struct load *l, const struct load_result *r);

struct load_number {
	const char *name;
	uint64_t value;
};
void load_report_numbers(json_t *o, const struct load_number *v, size_t n);
