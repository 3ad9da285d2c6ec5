#pragma once
/*
 * Switching protocols (RFC 9110, 7.8), as far as a proxy passes it on: behind
 * a 101 both connections become a tunnel.
 *
 * Not passed on are HTTP itself, h2c, and TLS: such a tunnel would carry
 * requests that nobody here has seen.
 */
#include "base/buf.h"
#include "http/head.h"

/* Does the request offer a protocol that may be passed on, and Connection say
 * so? */
bool upgrade_is_offered(const struct head *request);

/* Appends those protocols, as a list; nothing unless they are offered. */
void upgrade_put(const struct head *request, struct buf *out);

/* Did a 101 choose among what the request offered? */
bool upgrade_is_chosen(const struct head *response, const struct head *request);
