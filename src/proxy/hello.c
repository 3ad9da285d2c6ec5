#include "proxy/hello.h"

#include <inttypes.h>

void
hello_put(const struct node *n, const struct hello *h, struct buf *out)
{
	buf_printf(out,
		"sevenfold 2 %s %s %016" PRIx64 " %016" PRIx64 " %08" PRIx32,
		n->config->cluster, n->config->peers[n->config->self].name,
		n->view_checksum, h->key, h->bulk);
}

/* So many hexadecimal digits. */
static bool
parse_hex(struct str s, size_t digits, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n != digits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = char_lower(s.p[i]);

		if (!char_is_digit(c) && (c < 'a' || c > 'f'))
			return false;
		v = v << 4 |
			(unsigned)(char_is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}

const char *
hello_parse(
	const struct node *n, size_t peer, struct str text, struct hello *out)
{
	struct str word[7];
	uint64_t sum, key, bulk;

	for (int i = 0; i < 7; i++)
		if (!str_split(&text, ' ', &word[i]))
			return "its hello is malformed";
	if (!str_eq(word[0], STR("sevenfold")) || !str_eq(word[1], STR("2")))
		return "it speaks another version";
	if (!str_eq(word[2], str_z(n->config->cluster)))
		return "it belongs to another cluster";
	if (!str_eq(word[3], str_z(n->config->peers[peer].name)))
		return "its name is another node's";
	if (!parse_hex(word[4], 16, &sum) || !parse_hex(word[5], 16, &key) ||
		!parse_hex(word[6], 8, &bulk) || text.p)
		return "its hello is malformed";
	if (sum != n->view_checksum)
		return "its configuration differs from ours";
	*out = (struct hello){key, (uint32_t)bulk};
	return NULL;
}
