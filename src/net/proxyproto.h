#pragma once
/*
 * The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): what a
 * layer-4 proxy says, in front of all else, about the connection that it hands
 * on. No I/O: a caller that expects such a header hands over what has arrived
 * so far, from the connection's first byte, and calls again with more when told
 * PROXYPROTO_MORE. A verdict other than that never changes with more bytes.
 *
 * Whoever may connect can claim any address: the caller takes headers from
 * those it trusts only, and from them demands one.
 *
 * Strict: nothing but one SP between the parts of version 1, no zeros in front
 * of a number; in version 2 no family, transport or command but the defined
 * ones, type-length-value fields that fill their room exactly, a CRC32C that is
 * right if there is one, and an SSL field that has all its parts. Blocks of
 * LOCAL and of an unspecified family are passed over, as the text asks.
 */
#include <netinet/in.h>

#include "base/str.h"

enum {
	PROXYPROTO_MAX_LINE = 107,   /* version 1, with its CRLF */
	PROXYPROTO_MAX_BYTES = 4096, /* version 2: our own limit */
};

enum proxyproto_family {
	PROXYPROTO_UNKNOWN, /* use the connection's own addresses */
	PROXYPROTO_IPV4,
	PROXYPROTO_IPV6,
	PROXYPROTO_UNIX,
};

/* One member, by the family. */
struct proxyproto_end {
	struct in_addr v4;
	struct in6_addr v6;
	struct str path; /* borrowed from the input; may be empty */
	uint16_t port;	 /* of v4 and v6 */
};

struct proxyproto {
	size_t bytes; /* of the header; what follows is the client's */
	bool local;   /* the proxy speaks for itself: a health check */
	bool tls;     /* it says that it speaks that with the client */
	enum proxyproto_family family;
	struct proxyproto_end source, destination;
};

enum proxyproto_result {
	PROXYPROTO_DONE,
	PROXYPROTO_MORE,
	PROXYPROTO_BAD, /* close: the protocol has no way to say why */
};

/* *out is untouched unless PROXYPROTO_DONE. */
enum proxyproto_result proxyproto_parse(struct str in, struct proxyproto *out);
