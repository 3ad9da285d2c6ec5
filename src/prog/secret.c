#include "prog/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

enum { SECRET_MIN = 16, SECRET_MAX = 4096 };

int
secret_read(const char *path, struct buf *out)
{
	own_file FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -errno;
	n = fread(buf_reserve(out, SECRET_MAX), 1, SECRET_MAX, f);
	if (ferror(f))
		return -EIO;
	if (n < SECRET_MIN)
		return -EINVAL;
	buf_commit(out, n);
	return 0;
}

const char *
secret_error(int err)
{
	return err == -EINVAL ? "a secret of less than 16 bytes; write more"
			      : strerror(-err);
}
