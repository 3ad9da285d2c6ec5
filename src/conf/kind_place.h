#pragma once
#include "conf/conf.h"

/* Frees groups and rules. */
void conf_free_places(struct conf *c);
