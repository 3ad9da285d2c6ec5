#include "proxy/route.h"

#include <errno.h>
#include <xxhash.h>

static int
refuse(struct route_error *error, unsigned status, const char *why)
{
	*error = (struct route_error){status, why};
	return -EINVAL;
}

/* h: in lower case, or "*". */
static bool
is_host(const char *h, struct str host)
{
	if (h[0] == '*' && !h[1])
		return true;
	for (size_t i = 0; i < host.n; i++)
		if (h[i] != char_lower(host.p[i]))
			return false;
	return !h[host.n];
}

static const struct node_site *
find_site(const struct node_config *config, struct str host)
{
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	for (size_t i = 0; i < config->nsites; i++)
		for (size_t j = 0; j < config->sites[i].nhosts; j++)
			if (is_host(config->sites[i].hosts[j], host))
				return &config->sites[i];
	return NULL;
}

static bool
may_forward(const struct node_config *config, const struct in6_addr *client)
{
	return !client || node_prefixes_have(&config->forward, client);
}

static int
find_origin(const struct node_config *config, const struct uri *uri,
	const struct in6_addr *client, struct route *out,
	struct route_error *error)
{
	const struct node_site *site = find_site(config, uri->host);

	/* Our own sites come first: whoever names one in absolute form gets
	 * the same object as by Host. */
	if (site) {
		out->site = site;
		return 0;
	}
	if (uri->form != URI_ABSOLUTE)
		return refuse(error, 421, "no such site here");
	if (!may_forward(config, client))
		return refuse(error, 403, "forward proxying is not allowed");
	out->site = NULL;
	out->origin_host = uri->host;
	out->origin_port = uri->port ? uri->port : 80;
	return 0;
}

/* As written, unless it was absolute and without a path. */
static struct str
origin_form(const struct uri *uri, struct arena *a)
{
	struct str path = uri->path, query = uri->query;
	char *p;

	if (path.n && (!query.p || query.p == path.p + path.n + 1))
		return str_of(path.p, path.n + (query.p ? 1 + query.n : 0));
	p = arena_alloc(a, 2 + query.n);
	p[0] = '/';
	p[1] = '?';
	if (query.n)
		memcpy(p + 2, query.p, query.n);
	return str_of(p, query.p ? 2 + query.n : 1);
}

static struct str
key_of(const struct uri *uri, struct arena *a)
{
	size_t most = uri_key_most(uri);
	struct buf key = {.p = arena_alloc(a, most), .cap = most};

	uri_key(uri, &key);
	return buf_view(&key);
}

/* Past the last proxy, OPTIONS for all of a server is for "*" (RFC 9112,
 * 3.2.4). */
static struct str
target_of(const struct head *h, const struct uri *uri, struct arena *a)
{
	if (h->method == METHOD_OPTIONS && !uri->path.n && !uri->query.p)
		return STR("*");
	return origin_form(uri, a);
}

/* "http://host/path?query" */
static void
split_key(struct route *r)
{
	struct str rest = r->key;
	const char *slash;

	(void)str_split(&rest, ':', &r->key_scheme);
	rest = str_of(rest.p + 2, rest.n - 2);
	slash = memchr(rest.p, '/', rest.n);
	r->key_host = str_of(rest.p, (size_t)(slash - rest.p));
	r->key_target = str_of(slash, rest.n - r->key_host.n);
}

static struct str
host_of(const struct uri *uri, struct arena *a)
{
	const size_t most = uri->host.n + sizeof(":65535");
	struct buf b;

	if (!uri->port)
		return uri->host;
	b = (struct buf){.p = arena_alloc(a, most), .cap = most};
	buf_str(&b, uri->host);
	buf_str(&b, STR(":"));
	buf_u64(&b, uri->port);
	return buf_view(&b);
}

static bool
may_connect(const struct node_config *config, uint16_t port)
{
	for (size_t i = 0; i < config->nconnect_ports; i++)
		if (config->connect_ports[i] == port)
			return true;
	return false;
}

/* A tunnel is to where its client wants it, whatever sites we have. */
static int
route_connect(const struct node_config *config, const struct head *h,
	const struct in6_addr *client, struct arena *a, struct route *out,
	struct route_error *error)
{
	struct uri uri;

	if (!config->nconnect_ports)
		return refuse(error, 405, "there are no tunnels here");
	if (uri_parse_target(h->target, &uri) < 0 || uri.form != URI_AUTHORITY)
		return refuse(error, 400, "the request target is malformed");
	if (!may_forward(config, client))
		return refuse(error, 403, "forward proxying is not allowed");
	if (!may_connect(config, uri.port))
		return refuse(error, 403, "no tunnels to this port");
	*out = (struct route){.key = arena_copy(a, h->target),
		.hash = XXH3_64bits(h->target.p, h->target.n),
		.origin_host = uri.host,
		.origin_port = uri.port};
	return 0;
}

/* The query without the parameter by which a site's clients ask for what is not
 * distilled: it is no part of the key. */
static struct str
without_original(
	struct str query, const char *name, struct arena *a, bool *found)
{
	struct buf b = {.p = arena_alloc(a, query.n + 1), .cap = query.n + 1};
	struct str rest = query, part, key, value;

	*found = false;
	while (rest.p && str_split(&rest, '&', &part)) {
		value = part;
		(void)str_split(&value, '=', &key);
		if (str_eq(key, str_z(name))) {
			*found = true;
			continue;
		}
		buf_str(&b, buf_len(&b) ? STR("&") : STR(""));
		buf_str(&b, part);
	}
	if (!*found)
		return query;
	return buf_len(&b) ? buf_view(&b) : (struct str){0};
}

/* RFC 9110, 4.2.2: what is named by https is another resource. Nodes speak
 * http; whoever speaks https in front of them says so. */
static bool
is_https(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_X_FORWARDED_PROTO);
	bool https = f;

	for (; f; f = head_next(h, f))
		https &= str_ieq(f->value, STR("https"));
	return https;
}

int
route_request(const struct node_config *config, const struct head *h,
	const struct in6_addr *client, struct arena *a, struct route *out,
	struct route_error *error)
{
	struct uri uri;

	if (h->method == METHOD_CONNECT)
		return route_connect(config, h, client, a, out, error);
	if (uri_parse_target(h->target, &uri) < 0)
		return refuse(error, 400, "the request target is malformed");
	if (uri.form == URI_ASTERISK || uri.form == URI_AUTHORITY)
		return refuse(error, 400, "no such target for this method");
	/* Absolute form overrides Host (RFC 9112, 3.2.2). */
	if (uri.form == URI_ORIGIN) {
		uri.host = h->host;
		uri.port = h->port;
		uri.https = is_https(h);
	} else if (uri.https && client) {
		return refuse(error, 400, "https is not spoken here");
	}
	if (uri.host.n == 0)
		return refuse(error, 400, "Host is missing");
	if (find_origin(config, &uri, client, out, error) < 0)
		return -EINVAL;
	out->original = false;
	out->host = host_of(&uri, a);
	out->target = target_of(h, &uri, a);
	if (out->site && out->site->distill.original && uri.query.p)
		uri.query = without_original(uri.query,
			out->site->distill.original, a, &out->original);
	out->key = key_of(&uri, a);
	out->hash = XXH3_64bits(out->key.p, out->key.n);
	split_key(out);
	return 0;
}

bool
route_put_request(struct str method, struct str key, struct buf *out)
{
	struct uri uri;

	if (uri_parse_target(key, &uri) < 0 || uri.form != URI_ABSOLUTE)
		return false;
	buf_printf(out, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\n\r\n",
		STR_ARG(method), STR_ARG(key), STR_ARG(uri.host));
	return true;
}
