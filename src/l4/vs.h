#pragma once
/*
 * `sevenfold vs`: ipvsadm's grammar, done on a control's rules. What a script
 * says to ipvsadm it can say to this, and gets the same layouts back.
 *
 * Beyond ipvsadm's: --json; --restore changes all at once or nothing; --save
 * loses neither thresholds nor timeouts nor what marks stand for; and since
 * nobody marks packets before we see them, marks are given their ends with
 * --add-end and --delete-end.
 */
#include "base/buf.h"

struct control;

/* argv[0] is not an argument. input is what --restore reads. Appends to out
 * and err what the program prints there; returns its exit status. */
int vs_run(struct control *c, int argc, char **argv, struct str input,
	struct buf *out, struct buf *err);
/* Whether these arguments want input. */
bool vs_wants_input(int argc, char **argv);
/* What --help says. */
extern const char vs_usage[];
