#include "handoff/notice.h"

#include <endian.h>

#include "base/mem.h"
#include "base/own.h"
#include "handoff/addr.h"
#include "handoff/proof.h"

/* --- the text ------------------------------------------------------------- */

static void
write_move(const struct notice_move *m, struct buf *out)
{
	const struct in6_addr *client = &m->claim.client;
	bool v4 = addr_is_v4(client);
	uint16_t port = htons(m->claim.port);

	buf_append(out, v4 ? "\4" : "\6", 1);
	if (v4)
		buf_append(out, &client->s6_addr[12], 4);
	else
		buf_append(out, client, sizeof(*client));
	buf_append(out, &port, sizeof(port));
	buf_append(out, &m->giver, sizeof(m->giver));
}

void
notice_write(const struct notice *n, struct buf *out)
{
	uint64_t number = htobe64(n->number);

	buf_append(out, &number, sizeof(number));
	for (size_t i = 0; i < n->n; i++)
		write_move(&n->v[i], out);
}

static bool
take_client(struct str *s, struct in6_addr *out)
{
	struct in_addr v4;
	uint8_t kind;

	if (!str_take(s, &kind, sizeof(kind)))
		return false;
	if (kind == 6)
		return str_take(s, out, sizeof(*out)) && !addr_is_v4(out);
	if (kind != 4 || !str_take(s, &v4, sizeof(v4)))
		return false;
	*out = addr_mapped(v4);
	return true;
}

static bool
take_move(struct str *s, struct notice_move *out)
{
	uint16_t port;

	if (!take_client(s, &out->claim.client) ||
		!str_take(s, &port, sizeof(port)) || !port ||
		!str_take(s, &out->giver, sizeof(out->giver)))
		return false;
	out->claim.port = ntohs(port);
	return true;
}

bool
notice_parse(struct str text, struct notice *out)
{
	struct notice n = {0};

	if (!str_take(&text, &n.number, sizeof(n.number)))
		return false;
	n.number = be64toh(n.number);
	for (; text.n; n.n++)
		if (n.n == NOTICE_MAX || !take_move(&text, &n.v[n.n]))
			return false;
	*out = n;
	return true;
}

/* --- who says so ---------------------------------------------------------- */

static char *
purpose_of(const struct notice_from *from)
{
	return xasprintf("moved %s %s", from->cluster, from->node);
}

int
notice_put(
	const struct notice_from *from, const struct notice *n, struct buf *out)
{
	own_free char *purpose = purpose_of(from);

	notice_write(n, out);
	return proof_put(from->secret, str_z(purpose), PROOF_RAW, out);
}

bool
notice_take(
	const struct notice_from *from, struct str datagram, struct notice *out)
{
	own_free char *purpose = purpose_of(from);

	return proof_take(from->secret, str_z(purpose), PROOF_RAW, &datagram) &&
		notice_parse(datagram, out);
}
