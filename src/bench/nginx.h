#pragma once
/*
 * A real origin for a catalog: everything that nginx needs to answer every
 * request of a log as catalog.h says, in one directory.
 *
 *	DIR/nginx.conf		nginx -p DIR -c nginx.conf
 *	DIR/objects/N		body of catalog object N
 *	DIR/bodies/S		body of all answers with the status S
 *	DIR/temp/
 *	DIR/access.log		a line a request:
 *				METHOD TARGET STATUS BODY-BYTES
 *
 * Paths in nginx.conf are absolute, but for nginx.pid and error.log, so that
 * another -p does as well (sevenfold lab up --origin-conf).
 *
 * Every answer says Cache-Control: max-age=86400, failures and redirections
 * (whose Location is "/") too.
 */

#include <stdint.h>

struct catalog;

/* Creates or replaces the files; dir's parent must exist. 0 or negative errno,
 * with *path (to be freed) then saying which file could not be written. */
int nginx_prepare(
	const struct catalog *c, const char *dir, uint16_t port, char **path);
