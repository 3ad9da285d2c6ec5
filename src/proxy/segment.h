#pragma once
/*
 * Responses that are fetched and stored in parts (RFC 9111, 3.3 and 3.4), so
 * that a range of a large one costs neither time nor memory for the rest.
 *
 * Beside the key K of a response there may be, in the store,
 *
 *	K#	the manifest: what all parts have in common, that is their
 *		head, their validators, the complete length; fresh or stale as
 *		the response is. Or a mark: this origin does not do parts
 *	K#N	a 206 with the bytes from N * SEGMENT_BYTES on, SEGMENT_BYTES of
 *		them or up to the end
 *
 * A part belongs to the manifest if it is not older and has the same strong
 * validator and complete length. So whoever purges, or replaces, the manifest
 * need not look for the parts.
 */
#include "http/range.h"
#include "cache/store.h"
#include "proxy/judge.h"

enum { SEGMENT_BYTES = 1024 * 1024 };

/* The bytes of the part that has the byte `at`. */
static inline struct range
segment_around(uint64_t at)
{
	uint64_t first = at - at % SEGMENT_BYTES;

	return (struct range){first, first + SEGMENT_BYTES - 1};
}

/* Appends K# or K#N; of a part, N is that of its first byte. */
void segment_put_manifest_key(struct str key, struct buf *out);
void segment_put_key(struct str key, uint64_t first, struct buf *out);

/* K of K, K# or K#N. */
struct str segment_whole_key(struct str key);

/* What becomes of the answer to a request for the part `asked`. *length: the
 * complete one, if it is stored. */
void segment_judge(const struct judge_case *c, struct range asked,
	struct judgement *out, uint64_t *length);

/* The complete length of a manifest's response. */
uint64_t segment_length(const struct object *manifest);
/* Stores the manifest of a part that is going to be stored; what is there
 * already and agrees keeps its parts. r: as of the part. */
void segment_store_manifest(struct store *s, const struct flight *part,
	struct str key, const struct response *r, uint64_t length);
/* Does a part belong to it? */
bool segment_belongs(const struct object *part, const struct object *manifest);
/* The same for one on its way, that is READY. */
bool segment_flight_belongs(
	const struct flight *part, const struct object *manifest);
