/* Kinds of parameters that are a number, a size or a time: see kind.h. */
#include "conf/kind.h"

#include "base/list.h"
#include "http/head.h"

#define WORKERS_MAX 256
#define CHECKS_MAX 100
#define CONNECTIONS_MAX 65536
#define RATE_MAX (1u << 30)

static bool
set_workers(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!str_eq(args[0].text, STR("auto")))
		return read_count(e, args[0], "number of workers or `auto`",
			WORKERS_MAX, member);
	*(unsigned *)member = 0;
	return true;
}

static bool
write_workers(struct buf *b, const void *member, size_t i)
{
	unsigned workers = *(const unsigned *)member;

	if (workers)
		buf_u64(b, workers);
	else
		buf_z(b, "auto");
	return true;
}

const struct kind kind_workers = {
	"auto | N", "auto", 1, 1, false, set_workers, write_workers};

static bool
set_checks(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_count(e, args[0], "number of checks", CHECKS_MAX, member);
}

static bool
set_fields(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_count(
		e, args[0], "number of fields", HEAD_MAX_FIELDS, member);
}

static bool
set_connections(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_count(
		e, args[0], "number of connections", CONNECTIONS_MAX, member);
}

static bool
write_count(struct buf *b, const void *member, size_t i)
{
	buf_u64(b, *(const unsigned *)member);
	return true;
}

const struct kind kind_checks = {
	"N", "2", 1, 1, false, set_checks, write_count};
const struct kind kind_fields = {
	"N", "100", 1, 1, false, set_fields, write_count};
const struct kind kind_connections = {
	"N", "64", 1, 1, false, set_connections, write_count};

static bool
set_rate(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!is_off(args[0]))
		return read_count(e, args[0],
			"number of bytes a second or `off`", RATE_MAX, member);
	*(unsigned *)member = 0;
	return true;
}

static bool
write_rate(struct buf *b, const void *member, size_t i)
{
	unsigned rate = *(const unsigned *)member;

	if (rate)
		buf_u64(b, rate);
	else
		buf_z(b, "off");
	return true;
}

const struct kind kind_rate = {
	"off | N", "500", 1, 1, false, set_rate, write_rate};

static bool
set_size(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_size(e, args[0], member);
}

static bool
write_size_value(struct buf *b, const void *member, size_t i)
{
	write_size(b, *(const uint64_t *)member);
	return true;
}

const struct kind kind_size = {
	"SIZE", "256M", 1, 1, false, set_size, write_size_value};

/* SIZE | http://HOST[:PORT]: cache_bytes, cache_host and cache_port */
enum { OTHER_CACHE_BYTES = 1024 * 1024 /* for what is on its way */ };

static bool
set_cache(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf *c = container_of(member, struct conf, cache_bytes);

	if (!str_starts(args[0].text, STR("http:")))
		return read_size(e, args[0], member);
	c->cache_bytes = OTHER_CACHE_BYTES;
	return read_origin(e, args[0], &c->cache_host, &c->cache_port);
}

static bool
write_cache(struct buf *b, const void *member, size_t i)
{
	const struct conf *c = container_of(member, struct conf, cache_bytes);

	if (c->cache_host)
		buf_printf(b, "http://%s:%u", c->cache_host, c->cache_port);
	else
		write_size(b, c->cache_bytes);
	return true;
}

const struct kind kind_cache = {"SIZE | http://HOST[:PORT]", "256M", 1, 1,
	false, set_cache, write_cache};

static bool
set_size_or_off(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!is_off(args[0]))
		return read_size(e, args[0], member);
	*(uint64_t *)member = UINT64_MAX;
	return true;
}

static bool
write_size_or_off(struct buf *b, const void *member, size_t i)
{
	uint64_t bytes = *(const uint64_t *)member;

	if (bytes == UINT64_MAX)
		buf_z(b, "off");
	else
		write_size(b, bytes);
	return true;
}

const struct kind kind_size_or_off = {
	"off | SIZE", "1G", 1, 1, false, set_size_or_off, write_size_or_off};

static bool
set_duration(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_duration(e, args[0], member);
}

static bool
write_duration_value(struct buf *b, const void *member, size_t i)
{
	if (!*(const uint64_t *)member)
		return false; /* left out, and without a preset */
	write_duration(b, *(const uint64_t *)member);
	return true;
}

const struct kind kind_duration = {
	"DURATION", "10s", 1, 1, false, set_duration, write_duration_value};

static bool
set_duration_or_off(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (!is_off(args[0]))
		return read_duration(e, args[0], member);
	*(uint64_t *)member = 0;
	return true;
}

static bool
write_duration_or_off(struct buf *b, const void *member, size_t i)
{
	if (*(const uint64_t *)member)
		return write_duration_value(b, member, i);
	buf_z(b, "off");
	return true;
}

const struct kind kind_duration_or_off = {"off | DURATION", "30s", 1, 1, false,
	set_duration_or_off, write_duration_or_off};
