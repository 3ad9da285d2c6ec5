/* The XDP program's parser, compiled natively: any frame at all. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/bpf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own_mac[ETH_ALEN] = {2, 0, 0, 0, 0, 0xaa};
	/* two bytes in, where drivers put frames: the IP header is aligned */
	own_free char *memory = xmalloc(2 + size);
	char *frame = memory + 2;
	struct l4_packet p = {0};
	enum l4_verdict v;

	if (size > 0)
		memcpy(frame, data, size);
	v = l4_parse(frame, frame + size, own_mac, &p);
	if (v != L4_VERDICTS)
		return 0;
	CHECK(p.bytes + sizeof(*p.eth) <= size);
	CHECK(p.fragment == !p.flow.port);
	return 0;
}
