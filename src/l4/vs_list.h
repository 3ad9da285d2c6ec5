#pragma once
/* What `sevenfold vs` prints: ipvsadm's layouts, to the blank. */
#include "base/buf.h"
#include "l4/vs_args.h"

struct control;

/* --list, as its options say. False: the service asked for is not there. */
bool vs_list(struct control *c, const struct vs_args *a, struct buf *out);
/* --save: what --restore takes. */
void vs_save(struct control *c, struct buf *out);
