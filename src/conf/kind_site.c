/* Kinds of a site's parameters: see kind.h. */
#include "conf/kind.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/own.h"

/* http://HOST[:PORT] [weight N]: origins and norigins */
static bool
is_new_origin(struct conf_errors *e, struct arg a, const struct conf_site *s,
	const struct conf_origin *o)
{
	for (size_t i = 0; i < s->norigins; i++) {
		if (s->origins[i].port != o->port ||
			strcmp(s->origins[i].host, o->host) != 0)
			continue;
		mistake(e, a.at,
			"there is an origin %s already\n"
			"name each origin once; `weight N` gives it more",
			quote(a.text).z);
		return false;
	}
	if (s->norigins == CONF_ORIGINS_MAX) {
		mistake(e, a.at,
			"more than %u origins in a site\n"
			"write a name that has several addresses instead",
			CONF_ORIGINS_MAX);
		return false;
	}
	return true;
}

static bool
set_origin(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	struct conf_site *s = container_of(member, struct conf_site, origins);
	own_free char *host = NULL;
	struct conf_origin o;
	bool placed = read_origin(e, args[0], &host, &o.port);
	bool weighed = read_weight(
		e, args + 1, nargs - 1, "the origin's address", &o.weight);

	if (!placed || !weighed)
		return false;
	o.host = host;
	if (!is_new_origin(e, args[0], s, &o))
		return false;
	s->origins =
		xrealloc(s->origins, (s->norigins + 1) * sizeof(*s->origins));
	s->origins[s->norigins++] = o;
	(void)take_ptr(&host);
	return true;
}

static bool
write_origin(struct buf *b, const void *member, size_t i)
{
	const struct conf_site *s =
		container_of(member, struct conf_site, origins);
	const struct conf_origin *o = s->origins + i;

	if (i >= s->norigins)
		return false;
	buf_printf(b, "http://%s:%u weight %u", o->host, o->port, o->weight);
	return true;
}

const struct kind kind_origin = {"http://HOST[:PORT] [weight N]",
	"http://10.0.0.2:80", 1, 3, true, set_origin, write_origin};

/* PATH | off */
static bool
set_path(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	if (is_off(args[0]))
		return true;
	return read_path(e, args[0], member);
}

static bool
write_path(struct buf *b, const void *member, size_t i)
{
	const char *path = *(char *const *)member;

	buf_z(b, path ? path : "off");
	return true;
}

const struct kind kind_path = {
	"PATH | off", "/health", 1, 1, false, set_path, write_path};
