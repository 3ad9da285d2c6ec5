#pragma once
/*
 * Real programs beside a node, in its namespace, which do in place of its own
 * cache and distiller what the paper's did: a Squid, which the node asks; and
 * an nginx with its image filter, which Squid asks for what it misses, so that
 * it is distilled before it is cached. Their files are called NAME.conf,
 * NAME.pid and logs/NAME.log in STATE_DIR, where NAME is HOST-squid or
 * HOST-distiller.
 */
#include <stdbool.h>

#define SIDECAR_CACHE_URL "http://127.0.0.1:3128"

/* In the order in which they are started. */
enum sidecar { SIDECAR_DISTILLER, SIDECAR_SQUID, SIDECARS };

/* "n1-squid"; the caller's */
char *sidecar_name(enum sidecar s, const char *host);
/* Writes the configuration of host's Squid and, if it distills, of that which
 * it asks. As state_write(). */
int sidecar_prepare(const char *host, bool distills);
/* It has been prepared. */
bool sidecar_is_wanted(enum sidecar s, const char *host);
/* name's command line, static; NULL when that is no sidecar's name. */
const char *const *sidecar_argv(const char *name);
/* It listens. */
bool sidecar_is_up(enum sidecar s, const char *host);
/* Waits for that; as state_pause(), or -ETIMEDOUT with a message. */
int sidecar_await(enum sidecar s, const char *host);
