#pragma once
/* MD5, by which the paper's policies place keys. */
#include "base/str.h"

/* RFC 1321. As a hash: nothing depends on its being hard to invert. */
void digest_md5(struct str s, unsigned char out[16]);
