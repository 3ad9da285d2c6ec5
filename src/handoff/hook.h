#pragma once
/*
 * Where on an interface a program that steers is: at tc's ingress, or at XDP,
 * in the interface's driver. There it stays when its process ends, until it is
 * replaced or detached.
 */

enum hook { HOOK_TC, HOOK_XDP };

/* Ours that is there: a descriptor, the caller's; -1: there is none. */
int hook_find(enum hook hook, unsigned ifindex);
/* prog, in place of ours that was there. Negative errno: for XDP also that the
 * driver has none (-EOPNOTSUPP), or that another program is there (-EBUSY). */
int hook_attach(enum hook hook, unsigned ifindex, int prog);
/* Ours, if it is there. */
void hook_detach(enum hook hook, unsigned ifindex);
