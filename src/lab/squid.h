#pragma once
/*
 * A real Squid behind each node, as in the paper: it is the node's cache, on
 * the node's own loopback interface, and asks the lab's origin. Its files are
 * STATE_DIR/HOST-squid.conf, HOST-squid.pid and logs/HOST-squid*.log; the
 * access log has Squid's own format.
 */
#include <stdbool.h>

#define SQUID_URL "http://127.0.0.1:3128"

/* "n1-squid"; the caller's */
char *squid_name(const char *host);
/* Writes its configuration. As state_write(). */
int squid_prepare(const char *host);
bool squid_is_wanted(const char *host); /* it has been prepared */
/* name's command line, static; NULL when that is no Squid's name. */
const char *const *squid_argv(const char *name);
/* It listens. */
bool squid_is_up(const char *host);
/* Waits for that; as state_pause(), or -ETIMEDOUT with a message. */
int squid_await(const char *host);
