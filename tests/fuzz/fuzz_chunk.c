/*
 * A chunked body. Held to: decoding it in pieces gives what decoding it at
 * once gives; and a body that is encoded again decodes to itself.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "http/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	enum chunk_result result;
	struct buf body;
	size_t used;
};

/* Decodes in as pieces of 1 to most bytes, or at once if most is 0. Each is a
 * copy of its own, so that overruns are seen. */
static void
decode(struct str in, size_t most, unsigned seed, struct decoded *out)
{
	struct chunk_decoder d = {0};
	size_t at = 0;

	out->result = CHUNK_MORE;
	while (at < in.n && out->result == CHUNK_MORE) {
		size_t n = most ? 1 + (size_t)rand_r(&seed) % most : in.n;
		struct str piece, run;
		char *copy;

		n = n < in.n - at ? n : in.n - at;
		copy = malloc(n);
		memcpy(copy, in.p + at, n);
		piece = str_of(copy, n);
		while ((out->result = chunk_decode(&d, &piece, &run)) ==
			CHUNK_DATA) {
			CHECK(run.n && run.p >= copy && run.p < copy + n);
			CHECK(run.p + run.n == piece.p);
			buf_str(&out->body, run);
		}
		CHECK(out->result != CHUNK_MORE || piece.n == 0);
		CHECK((out->result == CHUNK_BAD) == (d.error != NULL));
		at += n - piece.n;
		free(copy);
	}
	out->used = at;
}

static void
check_same(const struct decoded *a, const struct decoded *b)
{
	CHECK(a->result == b->result);
	CHECK(a->used == b->used);
	CHECK(str_eq(buf_view(&a->body), buf_view(&b->body)));
}

static void
check_encoded(struct str body, size_t most)
{
	struct decoded again = {0};
	struct buf b = {0};
	char head[CHUNK_HEAD_MAX];

	for (size_t at = 0; at < body.n; at += most) {
		size_t n = most < body.n - at ? most : body.n - at;

		buf_append(&b, head, chunk_head(head, n));
		buf_append(&b, body.p + at, n);
		buf_z(&b, "\r\n");
	}
	buf_append(&b, head, chunk_head(head, 0));
	buf_z(&b, "\r\n");
	decode(buf_view(&b), 0, 0, &again);
	CHECK(again.result == CHUNK_END && again.used == buf_len(&b));
	CHECK(str_eq(buf_view(&again.body), body));
	buf_fini(&again.body);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t most[] = {1, 3, 40, 2000};
	struct str in = str_of((const char *)data, size);
	struct decoded whole = {0};

	decode(in, 0, 0, &whole);
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		struct decoded pieces = {0};

		decode(in, most[i], (unsigned)size, &pieces);
		check_same(&whole, &pieces);
		buf_fini(&pieces.body);
	}
	check_encoded(buf_view(&whole.body), 1 + size % 50);
	buf_fini(&whole.body);
	return 0;
}
