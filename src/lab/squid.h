#pragma once
/*
 * A real Squid behind each node, as in the paper (daemon_squid): it is the
 * node's cache, on the node's own loopback interface, and asks the lab's
 * origin; or, where the lab is to distil, nginx's image filter there
 * (daemon_image_filter).
 */
#define SQUID_URL "http://127.0.0.1:3128"

enum { IMAGE_FILTER_PORT = 3129 };
