#include "http/multipart.h"

void
multipart_put_type(const struct multipart *m, struct buf *out)
{
	buf_z(out, "multipart/byteranges; boundary=");
	buf_str(out, m->boundary);
}

void
multipart_put_part(
	const struct multipart *m, struct range part, struct buf *out)
{
	buf_z(out, "\r\n--");
	buf_str(out, m->boundary);
	if (m->content_type.n) {
		buf_z(out, "\r\nContent-Type: ");
		buf_str(out, m->content_type);
	}
	buf_z(out, "\r\nContent-Range: ");
	range_put_content(part, m->length, out);
	buf_z(out, "\r\n\r\n");
}

void
multipart_put_end(const struct multipart *m, struct buf *out)
{
	buf_z(out, "\r\n--");
	buf_str(out, m->boundary);
	buf_z(out, "--\r\n");
}

uint64_t
multipart_length(const struct multipart *m, const struct range_parts *parts)
{
	struct buf heads = {0};
	uint64_t total = 0;

	for (unsigned i = 0; i < parts->n; i++) {
		multipart_put_part(m, parts->v[i], &heads);
		total += range_length(parts->v[i]);
	}
	multipart_put_end(m, &heads);
	total += buf_len(&heads);
	buf_fini(&heads);
	return total;
}
