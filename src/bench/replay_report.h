#pragma once
/* What a replay found, for people and for programs. */
#include <stdio.h>

struct catalog;
struct replay;
struct replay_result;

void replay_report(FILE *out, const struct replay *r, const struct catalog *c,
	const struct replay_result *res);
/* One line: a JSON object. */
void replay_report_json(FILE *out, const struct replay *r,
	const struct catalog *c, const struct replay_result *res);
