/* The packet core, compiled natively: any frames at all, one after the other,
 * on rules that use all of it. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/compile.h"
#include "l4/model.h"
#include "l4/test_rules.h"

#define ROOM 258 /* the IP header is aligned, as drivers have it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 0xaa};

static void
put_service(struct rules *r, uint8_t proto, bool v6, enum l4_method method)
{
	struct rules_service s = {
		.id = test_id(
			0xc000020a, method == L4_MASQ ? 443 : 80, proto, v6),
		.scheduler = method == L4_TUNNEL ? L4_mh : L4_wlc,
		.flags = method == L4_ROUTE ? L4_PERSISTENT : 0,
		.persist_s = 100,
		.mask = test_mask(24, v6)};

	CHECK(!rules_add(r, &s) || method == L4_TUNNEL);
	for (uint8_t i = 1; i <= 3; i++) {
		struct rules_server server = test_server(i, s.id.port, v6);

		server.method = method;
		server.tun = L4_GUE;
		server.tun_port = 6080;
		(void)rules_server_add(r, &s.id, &server);
	}
}

static void
start(struct l4_image *i)
{
	struct rules *r = rules_new();

	l4_image_init(i, 256);
	l4_image_start(i);
	memcpy(i->ctl->mac, own_mac, sizeof(own_mac));
	i->ctl->seed[0] = i->ctl->seed[1] = 1;
	i->ctl->clock_ns = 1000000000;
	for (int v6 = 0; v6 < 2; v6++) {
		put_service(r, 6, v6, L4_ROUTE);
		put_service(r, 17, v6, L4_TUNNEL);
		put_service(r, 6, v6, L4_MASQ);
		put_service(r, 17, v6, L4_MASQ);
	}
	CHECK(!compile(r, i));
	rules_free(r);
}

/* One frame: its length in two bytes, then so many of what is left. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct l4_image image;

	if (!image.ctl)
		start(&image);
	memset(image.buckets, 0, image.n_buckets * sizeof(*image.buckets));
	while (size > 2) {
		size_t n = (size_t)data[0] << 8 | data[1];
		own_free uint8_t *room = NULL;
		struct model_frame f;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		room = xmalloc(ROOM + n);
		f = (struct model_frame){room + ROOM, room + 2, n, 0};
		memcpy(f.data, data, n);
		CHECK(model_run(&image, &f) < L4_VERDICTS);
		CHECK(f.data >= f.room && f.data + f.n <= room + ROOM + n);
		data += n;
		size -= n;
	}
	return 0;
}
