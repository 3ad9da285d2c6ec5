/* Names of nodes, hosts, origins and interfaces: see value.h. */
#include "conf/value.h"

#include "base/mem.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

#define HOST_MAX 253 /* RFC 1035, 2.3.4, as text */
#define NAME_MAX_BYTES 63
#define PATH_MAX_BYTES 1024

static bool
is_alnum(char c)
{
	return char_is_digit(c) ||
		(char_lower(c) >= 'a' && char_lower(c) <= 'z');
}

/* Within a name. */
static bool
is_name_char(char c)
{
	return is_alnum(c) || memchr("._-", c, 3);
}

static bool
is_name(struct str s, size_t most)
{
	if (s.n == 0 || s.n > most || !is_alnum(s.p[0]) ||
		!is_alnum(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_name_char(s.p[i]))
			return false;
	return true;
}

static char *
lower_copy(struct str s)
{
	char *z = xstrndup(s.p, s.n);

	for (char *p = z; *p; p++)
		*p = char_lower(*p);
	return z;
}

bool
read_name(struct conf_errors *e, struct arg a, char **out)
{
	if (!is_name(a.text, NAME_MAX_BYTES)) {
		mistake(e, a.at,
			"%s can't be a name\n"
			"write at most 63 letters, digits, `.`, `_` and `-`, "
			"with a letter or digit at both ends",
			quote(a.text).z);
		return false;
	}
	*out = xstrndup(a.text.p, a.text.n);
	return true;
}

bool
read_host(struct conf_errors *e, struct arg a, char **out)
{
	const char *colon = memchr(a.text.p, ':', a.text.n);

	if (str_eq(a.text, STR("*")) || is_name(a.text, HOST_MAX))
		return *out = lower_copy(a.text), true;
	if (colon &&
		is_name(str_of(a.text.p, (size_t)(colon - a.text.p)), HOST_MAX))
		mistake(e, a.at,
			"a site's host has no port: %s\n"
			"write %s; it is asked for at the vip's port",
			quote(a.text).z,
			quote(str_of(a.text.p, (size_t)(colon - a.text.p))).z);
	else if (a.text.n > 0 && memchr(a.text.p, '*', a.text.n))
		mistake(e, a.at,
			"no patterns in a host: %s\n"
			"write each host, or `*` alone for any host",
			quote(a.text).z);
	else
		mistake(e, a.at,
			"%s can't be a host\n"
			"write a name of letters, digits, `.`, `_` and `-`, "
			"like `example.org`",
			quote(a.text).z);
	return false;
}

/* 10.0.0.300 is a mistyped address, not a name. */
static bool
is_origin_host(struct str s)
{
	struct in_addr addr;

	if (!is_name(s, HOST_MAX))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!char_is_digit(s.p[i]) && s.p[i] != '.')
			return true;
	return str_addr(s, AF_INET, &addr);
}

bool
read_origin(struct conf_errors *e, struct arg a, char **host, uint16_t *port)
{
	static const struct str http = STR("http://");
	struct str port_text, host_text;
	struct arg port_arg = a;
	uint16_t p = 80;

	if (a.text.n >= 8 && str_ieq(str_of(a.text.p, 8), STR("https://"))) {
		mistake(e, a.at,
			"an origin over https is not supported yet\n"
			"write `http://HOST:PORT`, like `http://10.0.0.2:80`");
		return false;
	}
	if (!str_starts(a.text, http)) {
		mistake(e, a.at,
			"%s is not an origin\n"
			"write `http://HOST:PORT`, like `http://10.0.0.2:80`",
			quote(a.text).z);
		return false;
	}
	port_text = str_of(a.text.p + http.n, a.text.n - http.n);
	if (memchr(port_text.p, '/', port_text.n) ||
		memchr(port_text.p, '?', port_text.n)) {
		mistake(e, a.at,
			"an origin has no path: %s\n"
			"end it after the host and port, like "
			"`http://10.0.0.2:80`",
			quote(a.text).z);
		return false;
	}
	(void)str_split(&port_text, ':', &host_text);
	if (!is_origin_host(host_text)) {
		mistake(e, a.at,
			"%s can't be an origin's host\n"
			"write a name or an IPv4 address, like "
			"`http://10.0.0.2:80`",
			quote(host_text).z);
		return false;
	}
	if (port_text.p) {
		port_arg.text = port_text;
		port_arg.at.column += (unsigned)(port_text.p - a.text.p);
		if (!read_port(e, port_arg, &p))
			return false;
	}
	*host = lower_copy(host_text);
	*port = p;
	return true;
}

bool
read_path(struct conf_errors *e, struct arg a, char **out)
{
	/* What the configuration itself would read as something else is left
	 * to percent-encoding. */
	static const char others[] = "-._~!$&'()*+,:=@/?%";
	bool fine = a.text.n > 0 && a.text.n <= PATH_MAX_BYTES &&
		a.text.p[0] == '/';

	for (size_t i = 0; fine && i < a.text.n; i++)
		fine = is_alnum(a.text.p[i]) ||
			memchr(others, a.text.p[i], sizeof(others) - 1);
	if (!fine) {
		mistake(e, a.at,
			"%s can't be a path\n"
			"write one that begins with `/`, like `/health`; or "
			"`off`",
			quote(a.text).z);
		return false;
	}
	*out = xstrndup(a.text.p, a.text.n);
	return true;
}

bool
read_interface(struct conf_errors *e, struct arg a, char **out)
{
	bool fine = a.text.n > 0 && a.text.n < IFNAMSIZ;

	for (size_t i = 0; fine && i < a.text.n; i++)
		fine = is_name_char(a.text.p[i]);
	if (!fine) {
		mistake(e, a.at,
			"%s can't be a network interface\n"
			"write one that `ip link` shows, like `eth0`",
			quote(a.text).z);
		return false;
	}
	*out = xstrndup(a.text.p, a.text.n);
	return true;
}

bool
read_file(struct conf_errors *e, struct arg a, char **out)
{
	if (a.text.n < 2 || a.text.n > PATH_MAX_BYTES || a.text.p[0] != '/') {
		mistake(e, a.at,
			"%s is not the path of a file\n"
			"write it whole, like `/etc/sevenfold.secret`",
			quote(a.text).z);
		return false;
	}
	*out = xstrndup(a.text.p, a.text.n);
	return true;
}
