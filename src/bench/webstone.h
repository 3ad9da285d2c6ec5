#pragma once
/*
 * WebStone's metrics (G. Trent, M. Sake, WebSTONE: The First Generation in
 * HTTP Server Benchmarking, 1995; WebStone 2.0), of a load with a connection
 * per request and no thinking. Its file list is in bench/mix.h.
 */
#include <jansson.h>
#include <stdio.h>

struct load;
struct load_result;

struct webstone {
	double connections_per_s; /* connections that had a right answer */
	double mbit_per_s;	  /* 2^20 bits, heads included */
	double response_s;	  /* mean, connect included */
	/* Little's load factor: all response times / the test's time: how many
	 * connections were in service. Far from the number of clients, some
	 * were refused, or not asking. */
	double load_factor;
	double error_percent; /* of all connections that were tried */
};

struct webstone webstone_of(const struct load_result *r);
void
webstone_report(FILE *out, const struct load *l, const struct load_result *r);
/* A new reference. */
json_t *webstone_json(const struct load_result *r);
