/*
 * A chunked body. Held to: decoding it in pieces gives what decoding it at
 * once gives; a body that is encoded again decodes to itself; and so do those
 * of its trailers that may be passed on, which are all passed on again.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "http/chunk.h"
#include "http/trailers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	enum chunk_result result;
	struct buf body, trailers;
	size_t used;
};

/* Decodes in as pieces of 1 to most bytes, or at once if most is 0. Each is a
 * copy of its own, so that overruns are seen. */
static void
decode(struct str in, size_t most, unsigned seed, struct decoded *out)
{
	struct chunk_decoder d = {.trailers = &out->trailers};
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
decoded_fini(struct decoded *d)
{
	buf_fini(&d->body);
	buf_fini(&d->trailers);
}

static void
check_same(const struct decoded *a, const struct decoded *b)
{
	CHECK(a->result == b->result);
	CHECK(a->used == b->used);
	CHECK(str_eq(buf_view(&a->body), buf_view(&b->body)));
	CHECK(str_eq(buf_view(&a->trailers), buf_view(&b->trailers)));
}

/* trailers: any. */
static void
check_encoded(struct str body, struct str trailers, size_t most)
{
	struct decoded again = {0};
	struct buf b = {0}, passed = {0}, twice = {0};
	char head[CHUNK_HEAD_MAX];

	for (size_t at = 0; at < body.n; at += most) {
		size_t n = most < body.n - at ? most : body.n - at;

		buf_append(&b, head, chunk_head(head, n));
		buf_append(&b, body.p + at, n);
		buf_z(&b, "\r\n");
	}
	trailers_put(trailers, &passed);
	if (buf_len(&passed) + 2 > CHUNK_MAX_TRAILERS) /* it adds blanks */
		buf_consume(&passed, buf_len(&passed));
	buf_append(&b, head, chunk_head(head, 0));
	buf_str(&b, buf_view(&passed));
	buf_z(&b, "\r\n");
	decode(buf_view(&b), 0, 0, &again);
	CHECK(again.result == CHUNK_END && again.used == buf_len(&b));
	CHECK(str_eq(buf_view(&again.body), body));
	trailers_put(buf_view(&again.trailers), &twice);
	CHECK(str_eq(buf_view(&again.trailers), buf_view(&passed)));
	CHECK(str_eq(buf_view(&twice), buf_view(&passed)));
	decoded_fini(&again);
	buf_fini(&b);
	buf_fini(&passed);
	buf_fini(&twice);
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
		decoded_fini(&pieces);
	}
	check_encoded(buf_view(&whole.body),
		whole.result == CHUNK_END ? buf_view(&whole.trailers) : STR(""),
		1 + size % 50);
	decoded_fini(&whole);
	return 0;
}
