#pragma once
/*
 * The lab's origin (daemon_origin): nginx, in the host `origin`, with all it
 * writes under STATE_DIR. Its access log, logs/origin-access.log, has a line
 * "URI STATUS BODY-BYTES" per fetch, so that fetches can be counted.
 */
#define ORIGIN_ACCESS_LOG STATE_DIR "/logs/origin-access.log"
