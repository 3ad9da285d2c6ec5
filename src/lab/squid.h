#pragma once
/*
 * A real Squid behind each node, as in the paper (daemon_squid): it is the
 * node's cache, on the node's own loopback interface, and asks the lab's
 * origin.
 */
#define SQUID_URL "http://127.0.0.1:3128"
