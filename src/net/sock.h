#pragma once
/*
 * Sockets: non-blocking, close-on-exec, IPv4 unless they say otherwise.
 * Functions that make one return the descriptor, which the caller owns, or
 * negative errno.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Several threads may listen on one address; the kernel spreads over them. */
int sock_listen(struct in_addr addr, uint16_t port);
/* The same, of all IPv6 addresses of this machine, and those alone. */
int sock_listen6(uint16_t port);
/* from.s_addr may be INADDR_ANY. The connection is under way on return: wait
 * for EPOLLOUT, then sock_error(). */
int sock_connect(struct in_addr from, struct in_addr to, uint16_t port);
/* -EAGAIN when there is none. peer may be NULL. */
int sock_accept(int listener, struct sockaddr_in *peer);
/* Of either kind of listener; IPv4 addresses are mapped. */
int sock_accept_any(int listener, struct in6_addr *peer);
/* The pending error of a connect: 0 or negative errno. */
int sock_error(int fd);
/* A unix stream listener at path, mode 0600; its folder is made if absent. A
 * stale socket is replaced; -EADDRINUSE when somebody answers there. */
int sock_listen_unix(const char *path);

/* So many may be open at once, and some other descriptors, if that can be had.
 */
void sock_allow(unsigned n);

struct sock_text {
	char z[32];
};

/* "192.0.2.1:80" */
struct sock_text sock_text(struct in_addr addr, uint16_t port);

/* Where addresses may be of either kind, those of IPv4 are mapped into IPv6
 * (RFC 4291, 2.5.5.2). */
struct in6_addr sock_mapped(struct in_addr addr);
/* False, and *out untouched, if it is none of IPv4. */
bool sock_unmapped(const struct in6_addr *addr, struct in_addr *out);

struct sock_host_text {
	char z[INET6_ADDRSTRLEN];
};

/* "192.0.2.1", "2001:db8::1" */
struct sock_host_text sock_host_text(const struct in6_addr *addr);
