/* Addresses, quantities and choices: see value.h. Names are in name.c. */
#include "conf/value.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>

#define MS NS_PER_MS
#define KIB UINT64_C(1024)
#define WEIGHT_MAX 1000

struct unit {
	const char *name;
	uint64_t n;
};

static const struct unit size_units[] = {
	{"T", KIB *KIB *KIB *KIB},
	{"G", KIB *KIB *KIB},
	{"M", KIB *KIB},
	{"K", KIB},
	{"", 1},
};

static const struct unit duration_units[] = {
	{"h", 3600 * NS_PER_S},
	{"m", 60 * NS_PER_S},
	{"s", NS_PER_S},
	{"ms", MS},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int
nearest_name(struct str word, const char *const *names, size_t n)
{
	unsigned limit = word.n < 3 ? 1 : word.n < 6 ? 2 : 3;
	int best = -1;

	for (size_t i = 0; i < n; i++) {
		unsigned d = str_distance(word, str_z(names[i]));

		if (d <= limit && d < strlen(names[i]) && d < word.n) {
			best = (int)i;
			limit = d - 1; /* only a nearer one from here on */
			if (d <= 1)
				break;
		}
	}
	return best;
}

bool
read_addr(struct conf_errors *e, struct arg a, struct in_addr *out)
{
	struct in_addr addr = {0};
	unsigned first;

	if (!str_addr(a.text, AF_INET, &addr)) {
		mistake(e, a.at,
			"%s is not an IPv4 address\n"
			"write four numbers of 0 to 255, like `10.0.0.11`",
			quote(a.text).z);
		return false;
	}
	first = ntohl(addr.s_addr) >> 24;
	if (first == 0 || first >= 224) {
		mistake(e, a.at,
			"%s can't be the address of a host\n"
			"write a unicast address, like `10.0.0.11`",
			quote(a.text).z);
		return false;
	}
	*out = addr;
	return true;
}

/* The part of a after a's first n bytes. */
static struct arg
arg_from(struct arg a, size_t n)
{
	a.at.column += (unsigned)n;
	a.text = str_of(a.text.p + n, a.text.n - n);
	return a;
}

static struct arg
arg_until(struct arg a, size_t n)
{
	a.text.n = n;
	return a;
}

bool
read_port(struct conf_errors *e, struct arg a, uint16_t *out)
{
	uint64_t port;

	if (str_u64(a.text, UINT16_MAX, &port) < 0 || port == 0) {
		mistake(e, a.at,
			"%s is not a port\n"
			"write a number of 1 to 65535, like `80`",
			quote(a.text).z);
		return false;
	}
	*out = (uint16_t)port;
	return true;
}

bool
read_addr_port(struct conf_errors *e, struct arg a, struct in_addr *addr,
	uint16_t *port)
{
	const char *colon = memchr(a.text.p, ':', a.text.n);
	struct in_addr ad;
	uint16_t po;
	size_t n;

	if (!colon) {
		mistake(e, a.at,
			"%s has no port\n"
			"write `ADDRESS:PORT`, like `192.0.2.10:80`",
			quote(a.text).z);
		return false;
	}
	n = (size_t)(colon - a.text.p);
	if (!read_addr(e, arg_until(a, n), &ad) ||
		!read_port(e, arg_from(a, n + 1), &po))
		return false;
	*addr = ad;
	*port = po;
	return true;
}

/* Can it be a host's, as seen by others? */
static bool
is_global6(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) &&
		!IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_LINKLOCAL(a) &&
		!IN6_IS_ADDR_V4MAPPED(a) && !IN6_IS_ADDR_V4COMPAT(a);
}

bool
read_addr6(struct conf_errors *e, struct arg a, struct in6_addr *out)
{
	struct in6_addr addr;

	if (!str_addr(a.text, AF_INET6, &addr) || !is_global6(&addr)) {
		mistake(e, a.at,
			"%s is not the IPv6 address of a host\n"
			"write one like `2001:db8::10`",
			quote(a.text).z);
		return false;
	}
	*out = addr;
	return true;
}

bool
read_prefix(struct conf_errors *e, struct arg a, struct conf_prefix *out)
{
	struct str bits_text = a.text, addr_text;
	struct in_addr addr = {0}, net;
	uint64_t bits = 32;

	if (!str_split(&bits_text, '/', &addr_text) ||
		!str_addr(addr_text, AF_INET, &addr) ||
		(bits_text.p && str_u64(bits_text, 32, &bits) < 0)) {
		mistake(e, a.at,
			"%s is not an IPv4 prefix\n"
			"write `ADDRESS/BITS`, like `10.0.0.0/8`",
			quote(a.text).z);
		return false;
	}
	net.s_addr = bits ? addr.s_addr & htonl(UINT32_MAX << (32 - bits)) : 0;
	if (net.s_addr != addr.s_addr) {
		char z[INET_ADDRSTRLEN];

		mistake(e, a.at,
			"%s has bits set beyond its %u bits\n"
			"write `%s/%u`",
			quote(a.text).z, (unsigned)bits,
			inet_ntop(AF_INET, &net, z, sizeof(z)), (unsigned)bits);
		return false;
	}
	*out = (struct conf_prefix){net, (unsigned)bits};
	return true;
}

/* Digits, then one of the units: the product. -EINVAL or -ERANGE. */
static int
parse_quantity(
	struct str s, const struct unit *units, size_t nunits, uint64_t *out)
{
	size_t digits = 0;
	uint64_t v;
	int r;

	while (digits < s.n && char_is_digit(s.p[digits]))
		digits++;
	r = str_u64(str_of(s.p, digits), UINT64_MAX, &v);
	if (r < 0)
		return r;
	for (size_t i = 0; i < nunits; i++)
		if (str_ieq(str_of(s.p + digits, s.n - digits),
			    str_z(units[i].name)))
			return __builtin_mul_overflow(v, units[i].n, out)
				? -ERANGE
				: 0;
	return -EINVAL;
}

bool
read_size(struct conf_errors *e, struct arg a, uint64_t *bytes)
{
	const uint64_t least = KIB, most = 1024 * size_units[0].n;
	uint64_t v = 0;
	int r = parse_quantity(a.text, size_units, COUNT_OF(size_units), &v);

	if (r == -EINVAL)
		mistake(e, a.at,
			"%s is not a size\n"
			"write bytes, or a number with K, M, G or T, "
			"like `256M`",
			quote(a.text).z);
	else if (r == -ERANGE || v < least || v > most)
		mistake(e, a.at,
			"the size %s is out of range\n"
			"write `1K` to `1024T`",
			quote(a.text).z);
	else
		return *bytes = v, true;
	return false;
}

bool
read_duration(struct conf_errors *e, struct arg a, uint64_t *ns)
{
	const uint64_t least = MS, most = NS_PER_S * 3600 * 24;
	uint64_t v = 0;
	int r = parse_quantity(
		a.text, duration_units, COUNT_OF(duration_units), &v);

	if (r == -EINVAL)
		mistake(e, a.at,
			"%s is not a duration\n"
			"write a number with ms, s, m or h, like `10s`",
			quote(a.text).z);
	else if (r == -ERANGE || v < least || v > most)
		mistake(e, a.at,
			"the duration %s is out of range\n"
			"write `1ms` to `24h`",
			quote(a.text).z);
	else
		return *ns = v, true;
	return false;
}

bool
read_count(struct conf_errors *e, struct arg a, const char *what, unsigned most,
	unsigned *out)
{
	uint64_t v;

	if (str_u64(a.text, most, &v) < 0 || v == 0) {
		mistake(e, a.at,
			"%s is not a %s\n"
			"write a whole number of 1 to %u",
			quote(a.text).z, what, most);
		return false;
	}
	*out = (unsigned)v;
	return true;
}

bool
read_weight(struct conf_errors *e, const struct arg *args, size_t nargs,
	const char *after, unsigned *weight)
{
	if (nargs == 0)
		return *weight = 1, true;
	if (!str_eq(args[0].text, STR("weight"))) {
		mistake(e, args[0].at,
			"unexpected %s after %s\n"
			"write `weight N`, or end the line",
			quote(args[0].text).z, after);
		return false;
	}
	if (nargs == 1) {
		mistake(e, args[0].at,
			"`weight` without its number\n"
			"write `weight N`, like `weight 2`");
		return false;
	}
	return read_count(e, args[1], "weight", WEIGHT_MAX, weight);
}

bool
read_choice(struct conf_errors *e, struct arg a, const char *what,
	const char *const *names, size_t n, unsigned *out)
{
	int near = nearest_name(a.text, names, n);
	struct buf list = {0};

	for (unsigned i = 0; i < n; i++) {
		if (str_eq(a.text, str_z(names[i])))
			return *out = i, buf_fini(&list), true;
		buf_printf(&list, "%s`%s`",
			i == 0		    ? ""
				: i + 1 < n ? ", "
					    : " or ",
			names[i]);
	}
	if (near >= 0)
		mistake(e, a.at, "unknown %s %s\ndid you mean `%s`?", what,
			quote(a.text).z, names[near]);
	else
		mistake(e, a.at, "unknown %s %s\nwrite %.*s", what,
			quote(a.text).z, STR_ARG(buf_view(&list)));
	buf_fini(&list);
	return false;
}

void
write_addr(struct buf *b, struct in_addr addr)
{
	char z[INET_ADDRSTRLEN];

	buf_z(b, inet_ntop(AF_INET, &addr, z, sizeof(z)));
}

/* In the largest unit that divides it. */
static void
write_quantity(struct buf *b, const struct unit *units, uint64_t v)
{
	while (v % units->n)
		units++;
	buf_u64(b, v / units->n);
	buf_z(b, units->name);
}

void
write_size(struct buf *b, uint64_t bytes)
{
	write_quantity(b, size_units, bytes);
}

void
write_duration(struct buf *b, uint64_t ns)
{
	write_quantity(b, duration_units, ns);
}
