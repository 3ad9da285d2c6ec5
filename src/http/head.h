#pragma once
/*
 * struct head: the head of an HTTP/1 message, parsed by RFC 9112 as strictly
 * as clients and servers in use allow. No I/O: a caller hands over what has
 * arrived so far, from the message's first byte, and calls again with more
 * when told HEAD_MORE. A head that parses gives HEAD_MORE for each proper
 * prefix; a verdict other than HEAD_MORE never changes with more bytes. An
 * error is seen when the byte has arrived that shows it, at the latest with
 * its line's end; what is wrong with Host, when the head is complete.
 *
 * All slices in a struct head are borrowed from `in` and live as long as it.
 *
 * Refused as HEAD_BAD: CR or LF other than as CRLF; blanks before the colon;
 * folded lines (obs-fold); control bytes; a name that is no token; more than
 * one SP in the request line; HTTP/1.1 without exactly one valid Host; a tab
 * behind the value of Content-Length or Transfer-Encoding. Up to two empty
 * lines before a request line are tolerated (RFC 9112, 2.2).
 */
#include "http/field.h"
#include "http/list.h"

enum {
	HEAD_MAX_LINE = 8192,	/* bytes of the first line without CRLF */
	HEAD_MAX_BYTES = 32768, /* bytes of the whole head */
	/* Bytes of a field line without CRLF: no other limit than the head's,
	 * until a caller sets one. */
	HEAD_MAX_FIELD = HEAD_MAX_BYTES,
	HEAD_MAX_FIELDS = 100,
	/* What we add at most to a head that we pass on. */
	HEAD_ADDED_BYTES = 2048,
	HEAD_ADDED_FIELDS = 8,
};

/* What a caller takes of a head: each at most its HEAD_MAX_. */
struct head_limits {
	uint32_t line;	 /* bytes of the first line without CRLF */
	uint32_t field;	 /* bytes of a field line without CRLF */
	uint32_t bytes;	 /* of the whole head */
	unsigned fields; /* field lines */
};

/* The maxima themselves. */
extern const struct head_limits head_limits_default;

enum method {
	METHOD_OTHER,
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_CONNECT,
	METHOD_TRACE,
	METHOD_PATCH,
};

struct field {
	struct str name;
	struct str value; /* without blanks at its ends; may be empty */
	enum field_id id;
};

struct head {
	enum method method;    /* requests */
	struct str method_str; /* requests */
	struct str target;     /* requests: as written; see http/uri.h */
	struct str host;       /* requests: of Host; empty: there is none */
	uint16_t port;	       /* ... 0: it names none */
	unsigned status;       /* responses: 100 to 599 */
	struct str reason;     /* responses; may be empty */
	unsigned minor;	       /* of HTTP/1.minor: 0 or 1 */
	unsigned nfields;
	size_t bytes;	   /* the whole head, empty lines at both ends too */
	const char *error; /* static text for people, unless DONE or MORE */
	/* Set by a proxy that sees to codings itself: as if it had no
	 * Accept-Encoding, for origins and for the selection of variants. */
	bool uncoded;
	/* Sets of field ids, and where in fields each id is first, if at all:
	 * read through head_find() and head_next(). */
	uint64_t present, repeated;
	unsigned char first[FIELD_COUNT];
	struct field fields[HEAD_MAX_FIELDS + HEAD_ADDED_FIELDS];
};

enum head_result {
	HEAD_DONE,
	HEAD_MORE,	      /* not complete, and still within the limits */
	HEAD_BAD,	      /* 400 */
	HEAD_LINE_TOO_LONG,   /* 414 */
	HEAD_FIELD_TOO_LONG,  /* 431 */
	HEAD_TOO_LARGE,	      /* 431 */
	HEAD_TOO_MANY_FIELDS, /* 431 */
	HEAD_VERSION,	      /* 505: neither HTTP/1.0 nor HTTP/1.1 */
};

/* Unless HEAD_DONE, only h->error means anything. */
enum head_result head_parse_request_within(
	struct str in, const struct head_limits *limits, struct head *h);
enum head_result head_parse_response_within(
	struct str in, const struct head_limits *limits, struct head *h);
/* Within head_limits_default. */
enum head_result head_parse_request(struct str in, struct head *h);
enum head_result head_parse_response(struct str in, struct head *h);
/* The same for heads that one of our nodes wrote: the limits have room for
 * what it added. */
enum head_result head_parse_own_request(struct str in, struct head *h);
enum head_result head_parse_own_response(struct str in, struct head *h);

/* For heads that are not parsed but made, from a struct head that is zero: one
 * more field. There must be room. */
void head_add(struct head *h, struct str name, struct str value);
/* Whatever fields of that name, which has an id of its own, there are have that
 * value: one, if none. Of a head that was parsed, too: there is room for
 * HEAD_ADDED_FIELDS. */
void head_set(struct head *h, struct str name, struct str value);

/* Does it ask for no change (RFC 9110, 9.2.1)? Unknown methods might. */
bool method_is_safe(enum method m);

/* The first field of that id, or NULL. */
static inline const struct field *
head_find(const struct head *h, enum field_id id)
{
	bool found = h->present >> id & 1;

	return found ? &h->fields[h->first[id]] : NULL;
}

/* The next field of f's id after f, one of h's fields; or NULL. */
const struct field *head_next(const struct head *h, const struct field *f);

/* Is token an element of the comma lists in any field of that id, but for
 * ASCII case? */
bool head_has_token(const struct head *h, enum field_id id, struct str token);

/* Does f end here, so that a proxy must not pass it on (RFC 9110, 7.6.1)?
 * The fixed set, and what Connection names; but Connection cannot take away
 * what frames, addresses or guards the message, such as Host and Via. */
bool head_is_hop_by_hop(const struct head *h, const struct field *f);

/* May the connection carry another message after this one (RFC 9112, 9.3)? */
bool head_keep_alive(const struct head *h);

/* Does the client wait to hear that its body is wanted (RFC 9110, 10.1.1)? */
bool head_expects_continue(const struct head *h);
