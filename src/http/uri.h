#pragma once
/*
 * Request targets (RFC 9112, 3.2), authorities, and the key that an object has
 * in the cluster. Slices are borrowed from the input.
 *
 * A host is a DNS name, an IPv4 address, or an IPv6 address in brackets. This
 * is narrower than RFC 3986's reg-name on purpose: percent escapes and
 * sub-delimiters ("a,b") name no host that anybody serves.
 */
#include "base/buf.h"

enum uri_form {
	URI_ORIGIN,    /* /path?query */
	URI_ABSOLUTE,  /* http://host:port/path?query */
	URI_AUTHORITY, /* host:port, for CONNECT */
	URI_ASTERISK,  /* *, for OPTIONS */
};

struct uri {
	enum uri_form form;
	struct str host;  /* without port, as written, with brackets */
	struct str path;  /* as written; may be empty in absolute form */
	struct str query; /* without the '?'; p is NULL when there is none */
	uint16_t port;	  /* 0 when none is written */
	bool https;  /* that is the scheme; else http, or none is written */
	bool normal; /* path and query are surely as in the key */
};

/* -EINVAL: none of the forms; a scheme other than http and https; user
 * information; a fragment; blanks, controls or bytes beyond ASCII. */
int uri_parse_target(struct str target, struct uri *out);

/* "host", "host:port" or "host:" -- the value of Host. Port 0 when none. */
int uri_parse_authority(struct str authority, struct str *host, uint16_t *port);

/*
 * Appends the key of an object to out: its normalised URI (RFC 3986, 6.2.2).
 * The scheme and the host in lower case, without the scheme's own port and
 * without a dot at the host's end; path without dot segments, "/" if empty; in
 * path and query, escapes of unreserved characters decoded and the others'
 * digits in upper case. From an invalid escape on, the rest of that path
 * segment, or of the query, stays as written. A query with p == NULL is none;
 * an empty one keeps its '?'. Returns the number of bytes appended.
 *
 * The key only names the object; the origin is asked with the target as the
 * client wrote it.
 */
size_t uri_key(const struct uri *u, struct buf *out);
/* At most so many. */
static inline size_t
uri_key_most(const struct uri *u)
{
	return u->host.n + u->path.n + u->query.n + sizeof("https://:65535/?") -
		1;
}

/*
 * Appends the key of what a reference means beside a key, which is the base
 * (RFC 3986, 5.2). A fragment is left out. -EINVAL, with nothing appended: a
 * scheme other than those, what uri_parse_target() refuses, a base that is no
 * key.
 */
int uri_resolve(struct str key, struct str reference, struct buf *out);
