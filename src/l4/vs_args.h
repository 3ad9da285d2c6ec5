#pragma once
/* The arguments of one `sevenfold vs` command, as ipvsadm has them. */
#include "base/buf.h"
#include "l4/rules.h"

enum vs_command {
	VS_LIST, /* also without any command */
#define COMMAND(id, short_, long_, required, allowed) VS_##id,
#include "l4/vs_commands.def"
#undef COMMAND
	VS_COMMANDS,
};

/* One bit for each option that was given. */
enum vs_option {
#define OPTION(id, short_, long_, argument) VS_OPT_##id,
#include "l4/vs_options.def"
#undef OPTION
	VS_OPTIONS,
};

struct vs_args {
	enum vs_command command;
	uint64_t options;	      /* 1 << enum vs_option */
	struct rules_service service; /* id, scheduler, flags, ... */
	struct rules_server server;
	struct rules_end end; /* of --add-end: with -f, what -t or -u said */
	uint32_t timeouts[3];
};

/* 0; or the exit status, with the reason in err. */
int vs_args(int argc, char **argv, struct vs_args *out, struct buf *err);

static inline bool
vs_has(const struct vs_args *a, enum vs_option o)
{
	return a->options >> o & 1;
}
