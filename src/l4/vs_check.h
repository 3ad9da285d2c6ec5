#pragma once
/* What goes with what in a command of `sevenfold vs`: by vs_commands.def's
 * table and by ipvsadm's rules. */
#include "l4/vs_args.h"

/* Says what is wrong, in ipvsadm's words; the command's exit status. */
#define FAIL(err, ...) (buf_printf(err, __VA_ARGS__), buf_z(err, "\n"), 2)

/* 0, with what is not given filled in; or the exit status. */
int vs_check(struct vs_args *a, struct buf *err);
