#pragma once
/*
 * The lab's origin: nginx, in the host `origin`, with everything it writes
 * under STATE_DIR. Its access log, logs/origin-access.log, has a line
 * "URI STATUS BODY-BYTES" per fetch, so that fetches can be counted.
 */
struct lab_options;

#define ORIGIN_ACCESS_LOG STATE_DIR "/logs/origin-access.log"

/* Makes its directory, configuration and pages. */
int origin_prepare(const struct lab_options *o);
/* Its command line; the result is static. */
const char *const *origin_argv(void);
