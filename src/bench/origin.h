#pragma once
/*
 * An origin for a catalog (bench/catalog.h) that makes its bodies as it sends
 * them: for traces of more objects than anybody would write to a disk. It
 * answers as the one of bench/nginx.h does: objects by their exact target, with
 * Cache-Control: max-age=86400, everything else with 404. GET, HEAD and POST;
 * no ranges, no conditions. One thread.
 */
#include <netinet/in.h>
#include <stdint.h>

struct catalog;

/* Serves until the process is ended. Negative errno when it can't begin. */
int origin_run(const struct catalog *c, struct in_addr addr, uint16_t port);
