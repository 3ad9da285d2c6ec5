#include "http/cachectl.h"

#include <errno.h>

#include "http/char.h"
#include "http/sfv.h"

/* --- directives, one after the other ------------------------------------- */

/* Those of all fields that govern h. */
struct directives {
	const struct head *head;
	enum field_id id; /* Cache-Control, or that which overrides it */
	unsigned field;
	struct str rest; /* of the field before `field` */
};

struct directive {
	struct str name;
	struct str arg; /* as written; empty when there is none */
	bool has_arg;
	bool broken; /* a quoted string is left open */
	bool typed;  /* member of a Dictionary: "60" is no number there */
};

/* Is every field of that id a Dictionary, and none empty? Were one, joining
 * them would not give a Dictionary. */
static bool
is_dictionary(const struct head *h, enum field_id id)
{
	bool seen = false;

	for (unsigned i = 0; i < h->nfields; i++) {
		struct str value = h->fields[i].value;

		if (h->fields[i].id != id)
			continue;
		if (value.n == 0 || !sfv_is_dict(value))
			return false;
		seen = true;
	}
	return seen;
}

static bool
is_request(const struct head *h)
{
	return h->status == 0;
}

static struct directives
directives_of(const struct head *h)
{
	struct directives d = {.head = h, .id = FIELD_CACHE_CONTROL};

	if (!is_request(h) && is_dictionary(h, FIELD_CDN_CACHE_CONTROL))
		d.id = FIELD_CDN_CACHE_CONTROL;
	return d;
}

/* A member that is false is as if it were not there. */
static bool
next_member(struct str *rest, struct directive *out)
{
	struct sfv_member m;

	while (sfv_dict_next(rest, &m)) {
		if (sfv_is_false(&m))
			continue;
		*out = (struct directive){.name = m.key,
			.arg = m.value,
			.has_arg = m.type != SFV_BOOLEAN,
			.typed = true};
		return true;
	}
	return false;
}

static bool
next_element(struct str *rest, struct directive *out)
{
	struct str element;

	if (!list_next(rest, &element))
		return false;
	*out = (struct directive){
		.arg = element, .broken = !list_is_whole(element)};
	(void)str_split(&out->arg, '=', &out->name);
	out->has_arg = out->arg.p;
	return true;
}

static bool
directives_next(struct directives *d, struct directive *out)
{
	for (;;) {
		const struct field *f = &d->head->fields[d->field];

		if (d->id == FIELD_CDN_CACHE_CONTROL
				? next_member(&d->rest, out)
				: next_element(&d->rest, out))
			return true;
		if (d->field == d->head->nfields)
			return false;
		d->field++;
		if (f->id == d->id)
			d->rest = f->value;
	}
}

/* --- their arguments ----------------------------------------------------- */

/* delta-seconds; -1 when it is none. */
static int64_t
delta_seconds(struct str s)
{
	uint64_t v = CACHECTL_MAX_S;

	return str_u64(s, CACHECTL_MAX_S, &v) == -EINVAL ? -1 : (int64_t)v;
}

/* s without the quotes around it, if it has them. */
static struct str
unquoted(struct str s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return str_of(s.p + 1, s.n - 2);
	return s;
}

/* -1 when there is no number in it. */
static int64_t
seconds_of(const struct directive *d)
{
	return delta_seconds(d->typed ? d->arg : unquoted(d->arg));
}

/* The least of all that was said; what cannot be read is 0. */
static void
take_limit(const struct directive *d, int64_t *s)
{
	int64_t v = seconds_of(d);

	if (v < 0)
		v = 0;
	if (*s < 0 || v < *s)
		*s = v;
}

static void
take_max_stale(const struct directive *d, int64_t *s)
{
	if (d->has_arg)
		take_limit(d, s);
	else if (*s < 0)
		*s = CACHECTL_MAX_S;
}

static void
take_min_fresh(const struct directive *d, int64_t *s)
{
	int64_t v = seconds_of(d);

	if (v < 0)
		v = CACHECTL_MAX_S;
	if (v > *s)
		*s = v;
}

/* The argument's field names, if it has only such and at least one. */
static bool
field_names(const struct directive *d, struct str *names)
{
	struct str rest = unquoted(d->arg), name;
	bool any = false;

	while (list_next(&rest, &name)) {
		if (!char_all(name, CHAR_TOKEN))
			return false;
		any = true;
	}
	*names = unquoted(d->arg);
	return any;
}

static void
take_unless_qualified(const struct directive *d, bool *flag)
{
	struct str names;

	if (!field_names(d, &names))
		*flag = true;
}

static void
take_directive(const struct directive *d, struct cachectl *c)
{
	const struct {
		struct str name;
		bool *flag;
	} flags[] = {
		{STR("no-store"), &c->no_store},
		{STR("public"), &c->public_},
		{STR("must-revalidate"), &c->must_revalidate},
		{STR("proxy-revalidate"), &c->proxy_revalidate},
		{STR("must-understand"), &c->must_understand},
		{STR("no-transform"), &c->no_transform},
		{STR("immutable"), &c->immutable},
		{STR("only-if-cached"), &c->only_if_cached},
	};
	const struct {
		struct str name;
		int64_t *seconds;
		void (*take)(const struct directive *, int64_t *);
	} times[] = {
		{STR("max-age"), &c->max_age, take_limit},
		{STR("s-maxage"), &c->s_maxage, take_limit},
		{STR("stale-while-revalidate"), &c->stale_while_revalidate,
			take_limit},
		{STR("stale-if-error"), &c->stale_if_error, take_limit},
		{STR("max-stale"), &c->max_stale, take_max_stale},
		{STR("min-fresh"), &c->min_fresh, take_min_fresh},
	};

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_ieq(d->name, flags[i].name))
			*flags[i].flag = true;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (str_ieq(d->name, times[i].name))
			times[i].take(d, times[i].seconds);
	if (str_ieq(d->name, STR("no-cache")))
		take_unless_qualified(d, &c->no_cache);
	if (str_ieq(d->name, STR("private")))
		take_unless_qualified(d, &c->private_);
}

void
cachectl_parse(const struct head *h, struct cachectl *out)
{
	struct directives all = directives_of(h);
	struct directive d;
	bool broken = false;

	*out = (struct cachectl){
		.targeted = all.id != FIELD_CACHE_CONTROL,
		.max_age = -1,
		.s_maxage = -1,
		.max_stale = -1,
		.min_fresh = -1,
		.stale_while_revalidate = -1,
		.stale_if_error = -1,
	};
	if (!head_find(h, all.id) && !head_find(h, FIELD_PRAGMA))
		return;
	while (directives_next(&all, &d)) {
		take_directive(&d, out);
		broken = broken || d.broken;
	}
	if (broken) {
		out->no_store = true;
		out->must_understand = false; /* would soften no-store */
	}
	if (is_request(h) && !head_find(h, FIELD_CACHE_CONTROL) &&
		head_has_token(h, FIELD_PRAGMA, STR("no-cache")))
		out->no_cache = true;
}

/* Does the directive name fields, and this one among them? */
static bool
names_field(const struct directive *d, struct str field)
{
	struct str names, name;

	if (!str_ieq(d->name, STR("no-cache")) &&
		!str_ieq(d->name, STR("private")))
		return false;
	if (!field_names(d, &names))
		return false;
	while (list_next(&names, &name))
		if (str_ieq(name, field))
			return true;
	return false;
}

bool
cachectl_withholds(const struct head *response, const struct field *f)
{
	struct directives all = directives_of(response);
	struct directive d;

	switch (f->id) {
	case FIELD_PROXY_AUTHENTICATE:
	case FIELD_PROXY_AUTHENTICATION_INFO:
	case FIELD_PROXY_AUTHORIZATION: return true;
	default: break;
	}
	while (directives_next(&all, &d))
		if (names_field(&d, f->name))
			return true;
	return false;
}
