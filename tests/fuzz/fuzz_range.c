/*
 * A Range, a Content-Range, and a length. The first eight bytes are the
 * length. Held to: parts lie within the length, apart from one another; each
 * byte that was asked for is in one; what is written reads back as the same;
 * a multipart body is as long as was said.
 */
#include "base/check.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_in(const struct range_parts *parts, uint64_t byte)
{
	for (unsigned i = 0; i < parts->n; i++)
		if (parts->v[i].first <= byte && byte <= parts->v[i].last)
			return true;
	return false;
}

static void
check_asked(const struct range_parts *parts, const struct range_asked *a,
	uint64_t length)
{
	uint64_t first = a->first, last = length - 1;

	if (a->is_suffix && a->first == 0)
		return;
	if (a->is_suffix)
		first = a->first < length ? length - a->first : 0;
	else if (a->last < length)
		last = a->last;
	CHECK(first >= length || (is_in(parts, first) && is_in(parts, last)));
}

static void
check_apart(const struct range_parts *parts)
{
	for (unsigned i = 0; i < parts->n; i++)
		for (unsigned j = 0; j < i; j++)
			CHECK(parts->v[i].first > parts->v[j].last + 1 ||
				parts->v[j].first > parts->v[i].last + 1);
}

static void
check_written(struct range part, uint64_t length)
{
	struct content_range c;
	struct buf b = {0};

	range_put_content(part, length, &b);
	CHECK(range_parse_content(buf_view(&b), &c));
	CHECK(c.satisfied && c.counted && c.length == length);
	CHECK(c.part.first == part.first && c.part.last == part.last);
	buf_fini(&b);
}

static void
check_multipart(const struct range_parts *parts, uint64_t length)
{
	struct multipart m = {STR("boundary"), STR("a/b"), length};
	struct buf b = {0};
	uint64_t bytes = 0;

	for (unsigned i = 0; i < parts->n; i++) {
		multipart_put_part(&m, parts->v[i], &b);
		bytes += range_length(parts->v[i]);
	}
	multipart_put_end(&m, &b);
	CHECK(bytes <= length);
	CHECK(multipart_length(&m, parts) == bytes + buf_len(&b));
	buf_fini(&b);
}

static void
check_parts(const struct range_set *set, uint64_t length)
{
	struct range_parts parts;

	if (range_resolve(set, length, &parts) != RANGE_PARTS)
		return;
	CHECK(parts.n >= 1 && parts.n <= RANGE_MAX_PARTS);
	for (unsigned i = 0; i < parts.n; i++) {
		CHECK(parts.v[i].first <= parts.v[i].last);
		CHECK(parts.v[i].last < length);
		check_written(parts.v[i], length);
	}
	for (unsigned i = 0; i < set->n; i++)
		check_asked(&parts, &set->v[i], length);
	check_apart(&parts);
	check_multipart(&parts, length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head h = {.method = METHOD_GET};
	struct content_range c;
	struct range_set set;
	uint64_t length;
	struct str value;

	if (size < sizeof(length))
		return 0;
	memcpy(&length, data, sizeof(length));
	length &= INT64_MAX;
	value = str_of(
		(const char *)data + sizeof(length), size - sizeof(length));
	head_add(&h, STR("Range"), value);
	if (range_asked(&h, &set)) {
		CHECK(set.n >= 1 && set.n <= RANGE_MAX_ASKED);
		check_parts(&set, length);
		check_parts(&set, length & 255);
	}
	if (range_parse_content(value, &c) && c.satisfied)
		check_written(c.part, c.counted ? c.length : INT64_MAX);
	return 0;
}
