#pragma once
/*
 * That a text was written by someone who knows the cluster's secret:
 * HMAC-SHA256 (RFC 2104), cut to 16 bytes, behind the text: as they are, or in
 * hexadecimal where the text is for people. What it is for is part of it, so
 * that no proof of one thing is one of another.
 */
#include "base/buf.h"

enum { PROOF_BYTES = 16, PROOF_CHARS = 2 * PROOF_BYTES };
enum proof_form { PROOF_RAW, PROOF_HEX };

/* Appends the proof of all that is in *text. 0 or negative errno. */
int proof_put(struct str secret, struct str purpose, enum proof_form form,
	struct buf *text);
/* Takes it off the end of *text. False: it proves nothing. */
bool proof_take(struct str secret, struct str purpose, enum proof_form form,
	struct str *text);
