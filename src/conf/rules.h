#pragma once
/*
 * What must hold between the parts of a configuration. Each rule that does not
 * hold is a mistake, at the place of the part that comes later.
 */
#include "conf/param.h"

/* seen: where the cluster's are. Gives object_max its default. */
void rules_cluster(
	struct conf_errors *e, struct conf *c, const struct position *seen);
/* host (a's text in lower case) is in no site yet. */
bool rules_new_host(struct conf_errors *e, const struct conf *c, struct arg a,
	const char *host);
/* Of the last site, which is at the given place. */
void
rules_site(struct conf_errors *e, const struct conf *c, struct position at);
void rules_file(struct conf_errors *e, const struct conf *c,
	struct position cluster, bool forward);
