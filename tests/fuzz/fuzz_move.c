/*
 * What a node says of a connection that it gives away, once it is opened. Held
 * to: what is understood lies within the bytes, and says the same when it is
 * written again.
 */
#include "base/check.h"
#include "proxy/take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of((const char *)data, size);
	struct take_text t, again;
	struct buf b = {0};

	if (!take_parse(text, &t))
		return 0;
	CHECK(t.head.n > 0 && t.head.p + t.head.n == text.p + text.n);
	CHECK(t.snapshot.snd_wscale < 15 && t.snapshot.rcv_wscale < 15);
	take_put(&t.snapshot, &t.client, t.head, &b);
	CHECK(buf_len(&b) == size && take_parse(buf_view(&b), &again));
	CHECK(again.snapshot.snd_nxt == t.snapshot.snd_nxt &&
		IN6_ARE_ADDR_EQUAL(&again.snapshot.client, &t.snapshot.client));
	buf_fini(&b);
	return 0;
}
