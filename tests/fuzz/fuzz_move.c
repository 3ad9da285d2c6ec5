/*
 * What a node says of a connection that it gives away, once it is opened, but
 * for the head (fuzz_lines). Held to: what is understood lies within the bytes,
 * and says the same when it is written again.
 */
#include "base/check.h"
#include "proxy/take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of((const char *)data, size), rest = text;
	struct take_text t, again;
	struct buf b = {0};

	if (!take_parse(&rest, &t))
		return 0;
	CHECK(rest.n < size && rest.p + rest.n == text.p + text.n);
	CHECK(t.snapshot.snd_wscale < 15 && t.snapshot.rcv_wscale < 15);
	take_put(&t.snapshot, &t.client, &b);
	CHECK(buf_len(&b) <= size - rest.n);
	rest = buf_view(&b);
	CHECK(take_parse(&rest, &again) && rest.n == 0);
	CHECK(again.snapshot.snd_nxt == t.snapshot.snd_nxt &&
		again.snapshot.max_window == t.snapshot.max_window &&
		again.snapshot.rtt_us == t.snapshot.rtt_us &&
		IN6_ARE_ADDR_EQUAL(
			&again.snapshot.client, &t.snapshot.client) &&
		IN6_ARE_ADDR_EQUAL(&again.client, &t.client));
	buf_fini(&b);
	return 0;
}
