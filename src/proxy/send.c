#include "proxy/send.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SENDFILE_MIN = 16 * 1024 };

static ssize_t
result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static ssize_t
send_copied(
	int fd, struct str out, const struct str *slices, size_t n, bool more)
{
	struct iovec iov[1 + SEND_SLICES];
	struct msghdr m = {.msg_iov = iov};

	if (!n)
		return result(send(fd, out.p, out.n,
			MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
	if (out.n)
		iov[m.msg_iovlen++] = (struct iovec){(char *)out.p, out.n};
	for (size_t i = 0; i < n; i++)
		iov[m.msg_iovlen++] =
			(struct iovec){(char *)slices[i].p, slices[i].n};
	return result(sendmsg(fd, &m, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

/* What out could not all be sent of is not followed by the body. */
static ssize_t
send_file(int fd, int file, int64_t offset, struct str out, size_t n)
{
	ssize_t head = 0, body;
	off_t at = offset;

	if (out.n) {
		head = send_copied(fd, out, NULL, 0, true);
		if (head < (ssize_t)out.n)
			return head;
	}
	body = result(sendfile(fd, file, &at, n));
	if (body >= 0)
		return head + body;
	return head ? head : body;
}

ssize_t
send_slices(int fd, const struct pages *pages, struct str out,
	const struct str *slices, size_t n, bool more)
{
	int64_t offset;
	int file;

	if (n && slices[0].n >= SENDFILE_MIN &&
		pages_locate(pages, slices[0].p, &file, &offset))
		return send_file(fd, file, offset, out, slices[0].n);
	return send_copied(fd, out, slices, n, more);
}
