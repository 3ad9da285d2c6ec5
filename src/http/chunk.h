#pragma once
/*
 * The chunked transfer coding (RFC 9112, 7.1), decoded as it arrives.
 *
 *	struct chunk_decoder d = {0};
 *	while ((r = chunk_decode(&d, &in, &data)) == CHUNK_DATA)
 *		use(data);
 *
 * Strict: CRLF only, sizes checked for overflow, no blanks after a size unless
 * an extension follows. Extensions and trailers must be well-formed. Extensions
 * are discarded; trailers are, too, unless there is a buffer for them. The
 * decoder keeps no other bytes, so that input may come in pieces of any length.
 */
#include "base/buf.h"

enum {
	CHUNK_MAX_LINE = 1024,	   /* bytes of a size with its extensions */
	CHUNK_MAX_TRAILERS = 8192, /* bytes of the whole trailer section */
	CHUNK_HEAD_MAX = 18,	   /* bytes that chunk_head() writes at most */
};

struct chunk_decoder {
	unsigned state;	   /* private; 0 at the start */
	unsigned line;	   /* bytes of this size line, or of the trailers */
	uint64_t left;	   /* bytes of this chunk's data still to come */
	const char *error; /* after CHUNK_BAD: static text for people */
	/* Borrowed: where the trailers go, "Name: value\r\n" each, as they
	 * came; whole after CHUNK_END only. NULL: nowhere. */
	struct buf *trailers;
};

enum chunk_result {
	CHUNK_MORE, /* all of *in is used up */
	CHUNK_DATA, /* *data is a run of body bytes, at least one */
	CHUNK_END,  /* the body is complete; *in is what follows it */
	CHUNK_BAD,
};

/* Takes bytes from the front of *in. *data is a slice of *in, set only for
 * CHUNK_DATA. After CHUNK_END or CHUNK_BAD, calls give the same again and
 * take nothing. */
enum chunk_result
chunk_decode(struct chunk_decoder *d, struct str *in, struct str *data);

/* Writes what goes before n bytes of data ("1f\r\n"; after them goes "\r\n");
 * the number of bytes written. n == 0 begins the end of the body. */
size_t chunk_head(char out[CHUNK_HEAD_MAX], size_t n);
