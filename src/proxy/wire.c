#include "proxy/wire.h"

#include <assert.h>
#include <endian.h>

#include "net/sock.h"

void
wire_client_put(const struct in6_addr *client, struct buf *out)
{
	struct in_addr v4;
	bool is_v4 = sock_unmapped(client, &v4);
	char n = is_v4 ? sizeof(v4) : sizeof(*client);

	buf_append(out, &n, 1);
	buf_append(out, is_v4 ? (void *)&v4 : (void *)client, (size_t)n);
}

bool
wire_client_take(struct str *payload, struct in6_addr *out)
{
	struct in_addr v4;
	char n;

	if (!str_take(payload, &n, 1))
		return false;
	if (n == sizeof(v4) && str_take(payload, &v4, sizeof(v4))) {
		*out = sock_mapped(v4);
		return true;
	}
	return n == sizeof(*out) && str_take(payload, out, sizeof(*out)) &&
		!sock_unmapped(out, &v4);
}

struct bytes {
	uint16_t status, load;
	uint32_t fields_bytes;
	uint64_t length; /* all ones: -1 */
	uint32_t bulk, zero;
};

static_assert(sizeof(struct bytes) == 24, "it is sent as it is");

size_t
wire_head_begin(struct buf *out)
{
	static const struct bytes room;
	size_t at = buf_len(out);

	buf_append(out, &room, sizeof(room));
	return at;
}

void
wire_head_end(struct buf *out, size_t at, const struct wire_head *h)
{
	size_t n = buf_len(out) - at - sizeof(struct bytes);
	struct bytes b = {
		.status = htobe16((uint16_t)h->status),
		.load = htobe16((
			uint16_t)(h->load < UINT16_MAX ? h->load : UINT16_MAX)),
		.fields_bytes = htobe32((uint32_t)n),
		.length = htobe64((uint64_t)h->length),
		.bulk = htobe32(h->bulk),
	};

	memcpy(buf_head(out) + at, &b, sizeof(b));
}

static bool
makes_sense(const struct wire_head *h)
{
	return h->status >= 200 && h->status <= 599 && h->length >= -1 &&
		(h->bulk == 0 || h->length > 0) &&
		(h->fields.n == 0 || h->fields.p[h->fields.n - 1] == '\n');
}

bool
wire_head_take(struct str *payload, struct wire_head *out)
{
	struct bytes b;
	struct str rest = *payload;
	size_t n;

	if (!str_take(&rest, &b, sizeof(b)))
		return false;
	n = be32toh(b.fields_bytes);
	if (n > rest.n)
		return false;
	*out = (struct wire_head){.status = be16toh(b.status),
		.load = be16toh(b.load),
		.bulk = be32toh(b.bulk),
		.length = (int64_t)be64toh(b.length),
		.fields = str_of(rest.p, n)};
	*payload = str_of(rest.p + n, rest.n - n);
	return makes_sense(out);
}
