#pragma once
/* For tests: texts of configurations, in short, and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "conf/conf.h"

#define VIP "vip 192.0.2.10:80;"
#define NODE "node n1 10.0.0.11;"
#define SITE "site a { origin http://o }"
/* line 2 is inside the cluster, or inside the block after it */
#define CLUSTER(line) "cluster c {" VIP NODE "\n" line "\n}\n" SITE
#define NODES(line) "cluster c {" VIP "\n" line "\n}\n" SITE
#define BALANCER(line) "cluster c {" VIP NODE "}" SITE "balancer {\n" line "}"
#define AFTER(line) "cluster c {" VIP NODE "}\n" line
#define ORIGIN(origin) AFTER("site a { origin " origin " }")

/* The configuration of a text without mistakes. */
static inline struct conf *
parse_right(struct str text)
{
	struct conf_errors errors;
	struct conf *c = NULL;
	int r = conf_parse(text, &c, &errors);

	if (r < 0)
		fail_msg("%u:%u: %s\nin: %.*s", errors.v[0].line,
			errors.v[0].column, errors.v[0].text, STR_ARG(text));
	conf_errors_fini(&errors);
	return c;
}
