#pragma once
/*
 * A veth gives its peer's XDP_TX frames to the stack only when it has a native
 * XDP program itself; in a switch made of veths, the port that faces the
 * balancer needs this one, which passes everything. (Checksum offload of that
 * port has to be off as well: `ethtool -K PORT tx off`.)
 *
 * It stays attached after the process ends, until detached or the interface
 * goes. Both work in the calling thread's network namespace.
 */

/* Again on the same interface is fine. -EBUSY: has a program in another mode.
 */
int l4_pass_attach(int ifindex);
int l4_pass_detach(int ifindex);
