#include "proxy/hello.h"

#include <inttypes.h>

#include "base/clock.h"
#include "proxy/membership.h"

/* Of what nodes say to each other. */
#define VERSION "7"

static uint64_t
uptime_ms(const struct node *n)
{
	return (clock_mono_ns() - n->started_ns) / NS_PER_MS &
		UINT64_C(0xffffffffffff);
}

void
hello_put(const struct node *n, const struct hello *h, struct buf *out)
{
	buf_printf(out,
		"sevenfold " VERSION " %s %s %016" PRIx64 " %016" PRIx64
		" %08" PRIx32 " %012" PRIx64,
		n->config->cluster, n->config->peers[n->config->self].name,
		n->rules_checksum, h->key, h->bulk, uptime_ms(n));
}

const char *
hello_parse(
	const struct node *n, size_t peer, struct str text, struct hello *out)
{
	struct str word[8];
	uint64_t sum, key, bulk, uptime;

	for (int i = 0; i < 8; i++)
		if (!str_split(&text, ' ', &word[i]))
			return "its hello is malformed";
	if (!str_eq(word[0], STR("sevenfold")) ||
		!str_eq(word[1], STR(VERSION)))
		return "it speaks another version";
	if (!str_eq(word[2], str_z(n->config->cluster)))
		return "it belongs to another cluster";
	if (!str_eq(word[3], str_z(membership_name(n, peer))))
		return "its name is another node's";
	if (!str_hex(word[4], 16, &sum) || !str_hex(word[5], 16, &key) ||
		!str_hex(word[6], 8, &bulk) || !str_hex(word[7], 12, &uptime) ||
		text.p)
		return "its hello is malformed";
	if (sum != n->rules_checksum)
		return "its configuration differs from ours";
	*out = (struct hello){key, (uint32_t)bulk, uptime};
	return NULL;
}
