#pragma once
/*
 * Asking a running node or balancer something, as its administrator: one line
 * to its unix socket, one answer until it closes. For the program's own verbs:
 * these functions block.
 */
#include "base/buf.h"

/* Where nodes and balancers have their sockets: NAME.sock. */
#define ADMIN_DIR "/run/sevenfold"

/* Sends line (with its newline) and appends the answer, at most 64 MiB.
 * Negative errno, and *answer as it was: -ETIMEDOUT after so long in all. */
int admin_call(const char *socket_path, const char *line, unsigned timeout_s,
	struct buf *answer);

/*
 * The socket in dir to ask when the user named none: the only one, or else the
 * first node's in the order of names (n2 before n10). *path is the caller's to
 * free. How many sockets there are, or negative errno: -ENOENT when there is
 * none, or no dir.
 */
int admin_find(const char *dir, char **path);
