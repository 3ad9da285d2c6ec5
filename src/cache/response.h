#pragma once
/*
 * struct response: what is kept of a response, but for its body. Slices are
 * borrowed from whoever keeps it.
 */
#include "http/cachectl.h"

struct response {
	unsigned status;
	struct str fields;   /* "Name: value\r\n"..., end-to-end ones only,
				without those that an answer makes anew (Age,
				Content-Length, Connection) */
	struct str withheld; /* more of the same, but for whoever asked first
				only; never stored */
	int64_t length;	     /* of the body; -1: not known until it ends */
	int64_t born_s;	     /* wall clock at which its age was 0 */
	struct stored_freshness fresh;
	const char *why_not; /* static: why it is not stored; NULL: it is */
};
