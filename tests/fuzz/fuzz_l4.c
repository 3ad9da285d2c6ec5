/* The XDP program's parser, compiled natively: any frame at all. */
#include <arpa/inet.h>
#include <stdint.h>

#include "base/check.h"
#include "l4/bpf/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own_mac[ETH_ALEN] = {2, 0, 0, 0, 0, 0xaa};
	struct l4_packet p = {0};
	void *frame = (void *)(uintptr_t)data; /* only read */
	enum l4_verdict v = l4_parse(frame, (char *)frame + size, own_mac, &p);

	if (v != L4_VERDICTS)
		return 0;
	CHECK(p.bytes + sizeof(*p.eth) <= size);
	CHECK(p.fragment == !p.flow.port);
	return 0;
}
