#pragma once
/*
 * `sevenfold explain URL`: where a key is, and what a request for it would do
 * now.
 */
#include "admin/server.h"
#include "proxy/worker.h"

/* What there is of that key here, as JSON; the caller's. */
char *explain_self(struct worker *w, struct str key);
/* Answers the request, once all peers that are up have said what they have, or
 * had time to. url is one of the cache. */
void
explain_url(struct worker *w, struct admin_request *request, struct str url);
