/*
 * What other nodes say: a hello, a client, and the head of a response. Held to:
 * what is understood lies within the bytes, and says the same when it is
 * written again.
 */
#include "base/check.h"
#include "proxy/hello.h"
#include "proxy/membership.h"
#include "proxy/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct node_peer peers[] = {{.name = "n1", .weight = 1}};
static const struct node_config config = {
	.cluster = "c",
	.place = {.policy = &policy_hrw},
	.peers = peers,
	.npeers = 1,
};
static struct node node = {
	.config = &config, .rules_checksum = UINT64_C(0x0123456789abcdef)};

static void
check_hello(struct str text)
{
	struct hello h, again;
	struct buf b = {0};

	if (hello_parse(&node, 0, text, &h))
		return;
	hello_put(&node, &h, &b);
	CHECK(!hello_parse(&node, 0, buf_view(&b), &again));
	CHECK(again.key == h.key && again.bulk == h.bulk);
	buf_fini(&b);
}

static void
check_client(struct str payload)
{
	struct str rest = payload;
	struct in6_addr client;
	struct buf b = {0};

	if (!wire_client_take(&rest, &client))
		return;
	CHECK(rest.p + rest.n == payload.p + payload.n);
	wire_client_put(&client, &b);
	CHECK(str_eq(buf_view(&b), str_of(payload.p, payload.n - rest.n)));
	buf_fini(&b);
}

static void
check_head(struct str payload)
{
	struct str rest = payload;
	struct wire_head h, again;
	struct buf b = {0};
	size_t at;

	if (!wire_head_take(&rest, &h))
		return;
	CHECK(h.fields.p >= payload.p && h.fields.p + h.fields.n == rest.p);
	CHECK(rest.p + rest.n == payload.p + payload.n);
	at = wire_head_begin(&b);
	buf_str(&b, h.fields);
	wire_head_end(&b, at, &h);
	rest = buf_view(&b);
	CHECK(wire_head_take(&rest, &again) && rest.n == 0);
	CHECK(again.status == h.status && again.length == h.length &&
		again.bulk == h.bulk && str_eq(again.fields, h.fields));
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!node.membership)
		node.membership = membership_new(&node);
	check_hello(str_of((const char *)data, size));
	check_client(str_of((const char *)data, size));
	check_head(str_of((const char *)data, size));
	return 0;
}
