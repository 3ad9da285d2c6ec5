/* See content.h. The object is a sequence of 8-byte words, least significant
 * byte first, word k being the random number number k for the seed
 * (bench/rng.h). */
#include "bench/content.h"

#include "base/own.h"
#include "bench/rng.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <xxhash.h>

uint64_t
content_seed(struct str target)
{
	return XXH64(target.p, target.n, 0);
}

static uint64_t
word(uint64_t seed, uint64_t k)
{
	return htole64(rng_at(seed, k));
}

/* How many of n bytes from offset on lie in offset's own word. */
static size_t
in_word(uint64_t offset, size_t n)
{
	size_t left = 8 - (size_t)(offset % 8);

	return n < left ? n : left;
}

void
content_fill(uint64_t seed, uint64_t offset, void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		uint64_t w = word(seed, offset / 8);
		size_t part = in_word(offset, n);

		memcpy(p, (unsigned char *)&w + offset % 8, part);
		p += part;
		offset += part;
		n -= part;
	}
}

bool
content_equal(uint64_t seed, uint64_t offset, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	while (n > 0) {
		uint64_t w = word(seed, offset / 8);
		size_t part = in_word(offset, n);

		if (memcmp(p, (unsigned char *)&w + offset % 8, part) != 0)
			return false;
		p += part;
		offset += part;
		n -= part;
	}
	return true;
}

static int
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int
content_write_file(const char *path, uint64_t seed, uint64_t size)
{
	own_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char piece[16384];

	if (fd < 0)
		return -errno;
	for (uint64_t at = 0; at < size;) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at)
						     : sizeof(piece);

		content_fill(seed, at, piece, n);
		int r = write_all(fd, piece, n);
		if (r < 0)
			return r;
		at += n;
	}
	return 0;
}
