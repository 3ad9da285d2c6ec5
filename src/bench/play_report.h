#pragma once
/* What a play showed (bench/play.h), for people and for programs. */
#include "bench/play.h"

#include <jansson.h>
#include <stdio.h>

/* c is the catalog that was played; what its log had that was left out is
 * told too. */
void play_report(FILE *out, const struct play *p, const struct catalog *c,
	const struct play_result *r);
/* A new reference. */
json_t *play_report_json(const struct play *p, const struct catalog *c,
	const struct play_result *r);
