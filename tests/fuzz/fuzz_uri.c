/*
 * A request target, an authority, and a reference. Held to: slices lie within
 * the input; a key is itself a target, and the key of that is the same key,
 * whatever it is resolved beside; what is said to be normal is.
 */
#include "base/check.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct str whole, struct str s)
{
	CHECK(!s.p ||
		(s.p >= whole.p && s.n <= whole.n &&
			(size_t)(s.p - whole.p) <= whole.n - s.n));
}

static void
put_key(struct uri u, struct str host, bool normal, struct buf *b)
{
	u.host = host;
	u.normal = normal;
	CHECK(uri_key(&u, b) == buf_len(b));
}

/* No dot segment is left; segments begin after the authority. */
static void
check_segments(struct str path)
{
	struct str segment;

	while (str_split(&path, '/', &segment))
		CHECK(!str_eq(segment, STR(".")) &&
			!str_eq(segment, STR("..")));
}

static void
check_key(const struct uri *u, struct str host)
{
	struct buf key = {0}, again = {0};
	struct uri k;

	put_key(*u, host, false, &key);
	CHECK(uri_parse_target(buf_view(&key), &k) == 0);
	CHECK(k.form == URI_ABSOLUTE && k.path.n);
	CHECK(k.https == u->https && k.port != (k.https ? 443 : 80));
	CHECK(!k.query.p == !u->query.p);
	check_segments(k.path);
	put_key(k, k.host, false, &again);
	CHECK(str_eq(buf_view(&key), buf_view(&again)));
	buf_consume(&again, buf_len(&again));
	put_key(*u, host, u->normal, &again);
	CHECK(str_eq(buf_view(&key), buf_view(&again)));
	buf_fini(&again);
	buf_fini(&key);
}

static void
check_resolved(struct str reference)
{
	struct buf key = {0}, again = {0};
	struct uri u;

	if (uri_resolve(STR("http://a:8080/b/c?d"), reference, &key) == 0) {
		CHECK(uri_parse_target(buf_view(&key), &u) == 0);
		check_segments(u.path);
		CHECK(uri_resolve(STR("http://e/"), buf_view(&key), &again) ==
			0);
		CHECK(str_eq(buf_view(&key), buf_view(&again)));
	}
	buf_fini(&again);
	buf_fini(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size), host;
	uint16_t port;
	struct uri u;

	check_resolved(in);
	if (uri_parse_authority(in, &host, &port) == 0)
		check_inside(in, host);
	if (uri_parse_target(in, &u) != 0)
		return 0;
	check_inside(in, u.host);
	check_inside(in, u.path);
	check_inside(in, u.query);
	if (u.form == URI_ORIGIN)
		check_key(&u, STR("Example.org."));
	else if (u.form == URI_ABSOLUTE)
		check_key(&u, u.host);
	return 0;
}
