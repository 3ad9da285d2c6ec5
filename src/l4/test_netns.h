#pragma once
/* A network namespace of the test's own, gone with the process. */
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* False, and says why, when this process may not. */
static inline bool
test_netns(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	puts("SKIP: needs CAP_SYS_ADMIN for a network namespace");
	return false;
}

/* Two veths, va and vb, each other's peer, up; va has 10.0.0.1/24. */
static inline int
test_veth(void)
{
	return system("ip link add name va type veth peer name vb && "
		      "ip addr add 10.0.0.1/24 dev va && "
		      "ip link set lo up && ip link set va up && "
		      "ip link set vb up");
}
