#include "handoff/claims.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "handoff/addr.h"
#include "handoff/proof.h"

/* --- the text ------------------------------------------------------------- */

static void
put_claim(const struct claim *c, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (addr_is_v4(&c->client))
		inet_ntop(AF_INET, &c->client.s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, &c->client, text, sizeof(text));
	buf_printf(out, "%s %u\n", text, c->port);
}

void
claims_put(const struct claims *c, struct buf *out)
{
	buf_printf(out, "last %016" PRIx64 "\n", c->last);
	for (size_t i = 0; i < c->n; i++)
		put_claim(&c->v[i], out);
}

static bool
parse_addr(struct str s, struct in6_addr *out)
{
	struct in_addr v4;

	if (str_addr(s, AF_INET6, out))
		return true;
	if (!str_addr(s, AF_INET, &v4))
		return false;
	*out = addr_mapped(v4);
	return true;
}

static bool
parse_claim(struct str line, struct claim *out)
{
	struct str addr;
	uint64_t port;

	if (!str_split(&line, ' ', &addr) || !line.p ||
		!parse_addr(addr, &out->client) ||
		str_u64(line, UINT16_MAX, &port) < 0 || port == 0)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool
parse_last(struct str line, uint64_t *out)
{
	struct str word;

	return str_split(&line, ' ', &word) && str_eq(word, STR("last")) &&
		line.p && str_hex(line, 16, out);
}

bool
claims_parse(struct str text, struct claims *out)
{
	struct claims c = {0};
	struct str line;

	if (!str_split(&text, '\n', &line) || !parse_last(line, &c.last))
		return false;
	while (str_split(&text, '\n', &line) && text.p) {
		if (c.n == CLAIMS_MAX || !parse_claim(line, &c.v[c.n]))
			return false;
		c.n++;
	}
	if (line.n) /* the last line has an end, too */
		return false;
	*out = c;
	return true;
}

/* --- who says so ---------------------------------------------------------- */

int
claims_ask(const struct claims_question *q, struct buf *path)
{
	own_free char *purpose = xasprintf("moves? %s %s", q->cluster, q->node);
	uint64_t hear =
		(uint64_t)ntohl(q->hear_addr.s_addr) << 16 | q->hear_port;

	buf_printf(path, "/moves/%016" PRIx64 "/%016" PRIx64 "/%016" PRIx64 "/",
		q->since, q->nonce, hear);
	return proof_put(q->secret, str_z(purpose), PROOF_HEX, path);
}

bool
claims_asked(struct str path, struct claims_question *q)
{
	own_free char *purpose = xasprintf("moves? %s %s", q->cluster, q->node);
	struct str part[6];
	uint64_t since, nonce, hear;

	if (!str_starts(path, STR("/moves/")) ||
		!proof_take(q->secret, str_z(purpose), PROOF_HEX, &path))
		return false;
	for (int i = 0; i < 6; i++)
		if (!str_split(&path, '/', &part[i]))
			return false;
	if (path.p || !str_hex(part[2], 16, &since) ||
		!str_hex(part[3], 16, &nonce) || !str_hex(part[4], 16, &hear) ||
		hear >> 48)
		return false;
	q->since = since;
	q->nonce = nonce;
	q->hear_addr.s_addr = htonl((uint32_t)(hear >> 16));
	q->hear_port = (uint16_t)hear;
	return true;
}

/* That of an answer names its question. */
static char *
answer_purpose(const struct claims_question *q)
{
	return xasprintf("moves %s %s %016" PRIx64 " %016" PRIx64, q->cluster,
		q->node, q->since, q->nonce);
}

int
claims_answer(const struct claims_question *q, const struct claims *c,
	struct buf *out)
{
	own_free char *purpose = answer_purpose(q);

	claims_put(c, out);
	return proof_put(q->secret, str_z(purpose), PROOF_HEX, out);
}

bool
claims_answered(
	const struct claims_question *q, struct str answer, struct claims *out)
{
	own_free char *purpose = answer_purpose(q);

	return proof_take(q->secret, str_z(purpose), PROOF_HEX, &answer) &&
		claims_parse(answer, out);
}
