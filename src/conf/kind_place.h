#pragma once
/* Between kind_place.c, whose kinds make groups and rules, and conf.c. */
#include "conf/conf.h"

/* Frees groups and rules. */
void conf_free_places(struct conf *c);
