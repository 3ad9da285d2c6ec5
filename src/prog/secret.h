#pragma once
/* The file with the cluster's secret. */
#include "base/buf.h"

/* All of it. 0 or negative errno; -EINVAL: it has too few bytes to be one. */
int secret_read(const char *path, struct buf *out);
/* What that means. */
const char *secret_error(int err);
