#pragma once
/*
 * The table of parameters, from params.def, and of the blocks they stand in.
 */
#include "conf/kind.h"

enum block_id { BLOCK_cluster, BLOCK_balancer, BLOCK_site, BLOCKS };

struct block {
	const char *name;
	const char *form;    /* its first line, for messages and manual */
	const char *example; /* a whole one that is right */
};

struct param {
	enum block_id block;
	const char *name;
	const struct kind *kind;
	size_t offset;	    /* in struct conf, or struct conf_site for site */
	const char *preset; /* its words; PARAM_REQUIRED, PARAM_OPTIONAL */
	const char *doc;
};

enum param_id {
#define PARAM(block, name, kind, member, preset, doc) PARAM_##block##_##name,
#include "conf/params.def"
#undef PARAM
	PARAMS
};

extern const char PARAM_REQUIRED[], PARAM_OPTIONAL[];
extern const struct block blocks[BLOCKS];
extern const struct param params[PARAMS];
