#pragma once
/*
 * The answering side of a channel that a peer dialled: an exchange for each
 * of its asks. It frees itself when the channel ends.
 */
#include "proxy/worker.h"

/* Takes fd over. */
void serve_start(struct worker *w, int fd, struct in_addr addr);
