/*
 * Values are written through a pen, which appends to a buffer or compares with
 * what was written before: a request is matched without a copy of anything.
 */
#include "http/vary.h"

#include <stdlib.h>

#include "http/char.h"

enum { MAX_CODINGS = 16 };

struct pen {
	struct buf *out; /* NULL: compare */
	struct str want; /* what is left to compare with */
	bool differs;
};

static void
pen_put(struct pen *p, struct str s)
{
	if (p->out) {
		buf_str(p->out, s);
	} else if (str_starts(p->want, s)) {
		p->want.p += s.n;
		p->want.n -= s.n;
	} else {
		p->differs = true;
	}
}

static void
pen_put_lower(struct pen *p, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = char_lower(s.p[i]);

		pen_put(p, str_of(&c, 1));
	}
}

static int
compare_lower(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int d = (unsigned char)char_lower(a.p[i]) -
			(unsigned char)char_lower(b.p[i]);

		if (d)
			return d;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
by_name(const void *a, const void *b)
{
	return compare_lower(*(const struct str *)a, *(const struct str *)b);
}

/* --- the elements of a field, over all its lines -------------------------- */

struct elements {
	const struct head *head;
	struct str name;
	unsigned field;
	struct str rest;
};

static bool
elements_next(struct elements *e, struct str *out)
{
	while (!list_next(&e->rest, out)) {
		const struct field *f = &e->head->fields[e->field];

		if (e->field == e->head->nfields)
			return false;
		e->field++;
		if (str_ieq(f->name, e->name))
			e->rest = f->value;
	}
	return true;
}

static bool
is_present(const struct head *h, struct str name)
{
	for (unsigned i = 0; i < h->nfields; i++)
		if (str_ieq(h->fields[i].name, name))
			return true;
	return false;
}

/* --- values -------------------------------------------------------------- */

static void
put_as_written(struct elements e, struct pen *p)
{
	struct str element;
	bool more = false;

	while (elements_next(&e, &element)) {
		pen_put(p, more ? STR(",") : STR(""));
		pen_put(p, element);
		more = true;
	}
}

/* In lower case and without blanks, but for what is quoted. */
static void
put_plain(struct elements e, struct pen *p)
{
	struct str element;
	bool more = false;

	while (elements_next(&e, &element)) {
		bool quoted = false;

		pen_put(p, more ? STR(",") : STR(""));
		for (size_t i = 0; i < element.n; i++) {
			struct str c = str_of(element.p + i, 1);

			quoted ^= c.p[0] == '"';
			if (quoted)
				pen_put(p, c);
			else if (c.p[0] != ' ' && c.p[0] != '\t')
				pen_put_lower(p, c);
		}
		more = true;
	}
}

/* What Accept-Encoding says of a coding. */
struct coding {
	struct str name;
	bool refused; /* q=0 */
};

struct codings {
	unsigned n;
	struct coding v[MAX_CODINGS];
};

/* "0", "0.", "0.0" to "0.000". */
static bool
is_zero(struct str q)
{
	if (q.n == 0 || q.n > 5 || q.p[0] != '0' || (q.n > 1 && q.p[1] != '.'))
		return false;
	for (size_t i = 2; i < q.n; i++)
		if (q.p[i] != '0')
			return false;
	return true;
}

/* "1", "1.0", "0.8", ... but not 0. */
static bool
is_weight(struct str q)
{
	if (q.n == 0 || q.n > 5 || (q.p[0] != '0' && q.p[0] != '1') ||
		(q.n > 1 && q.p[1] != '.'))
		return false;
	for (size_t i = 2; i < q.n; i++)
		if (!char_is_digit(q.p[i]) || (q.p[0] == '1' && q.p[i] != '0'))
			return false;
	return true;
}

/* RFC 9110, 8.4.1: two old names. */
static struct str
unaliased(struct str name)
{
	if (str_ieq(name, STR("x-gzip")))
		return STR("gzip");
	if (str_ieq(name, STR("x-compress")))
		return STR("compress");
	return name;
}

/* An element with a weight that is none stays whole, as a coding of its own:
 * nobody else gets what was chosen for it. */
static struct coding
coding_of(struct str element)
{
	struct str weight = element, name, q;

	(void)str_split(&weight, ';', &name);
	if (!weight.p)
		return (struct coding){unaliased(name), false};
	(void)str_split(&weight, '=', &q);
	q = str_trim(q);
	if (!str_ieq(q, STR("q")) || !(is_zero(weight) || is_weight(weight)))
		return (struct coding){element, false};
	return (struct coding){unaliased(str_trim(name)), is_zero(weight)};
}

static int
by_coding(const void *a, const void *b)
{
	const struct coding *x = a, *y = b;

	if (x->refused != y->refused)
		return x->refused - y->refused;
	return compare_lower(x->name, y->name);
}

/* False when there are too many. */
static bool
gather_codings(struct elements e, struct codings *out)
{
	struct str element;

	out->n = 0;
	while (elements_next(&e, &element)) {
		if (out->n == MAX_CODINGS)
			return false;
		out->v[out->n++] = coding_of(element);
	}
	qsort(out->v, out->n, sizeof(out->v[0]), by_coding);
	return true;
}

static const struct coding *
find_coding(const struct codings *c, struct str name)
{
	for (unsigned i = 0; i < c->n; i++)
		if (str_ieq(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

/*
 * Does it change what may be sent? identity may be unless it is refused, other
 * codings may not unless they are named; a "*" stands for all that are not
 * named, and turns either around.
 */
static bool
matters(const struct codings *all, const struct coding *c)
{
	const struct coding *any = find_coding(all, STR("*"));
	bool identity = str_ieq(c->name, STR("identity"));

	if (c == any)
		return true;
	if (c->refused)
		return identity || (any && !any->refused);
	return !identity || (any && any->refused);
}

static void
put_codings(struct elements e, struct pen *p)
{
	struct codings c;
	bool more = false;

	if (!gather_codings(e, &c)) {
		put_plain(e, p);
		return;
	}
	for (unsigned i = 0; i < c.n; i++) {
		if (!matters(&c, &c.v[i]) ||
			(i && by_coding(&c.v[i - 1], &c.v[i]) == 0))
			continue;
		pen_put(p, more ? STR(",") : STR(""));
		pen_put(p, c.v[i].refused ? STR("!") : STR(""));
		pen_put_lower(p, c.v[i].name);
		more = true;
	}
}

static void
put_value(const struct head *request, struct str name, struct pen *p)
{
	static const struct {
		struct str name;
		void (*put)(struct elements, struct pen *);
	} kinds[] = {
		{STR("accept-encoding"), put_codings},
		{STR("accept"), put_plain},
		{STR("accept-charset"), put_plain},
		{STR("accept-language"), put_plain},
	};
	struct elements e = {.head = request, .name = name};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_ieq(kinds[i].name, name)) {
			kinds[i].put(e, p);
			return;
		}
	put_as_written(e, p);
}

static bool
is_in_key(struct str name)
{
	return str_ieq(name, STR("host")) ||
		str_ieq(name, STR("x-forwarded-host")) ||
		str_ieq(name, STR("x-forwarded-proto"));
}

static bool
is_ours(const struct head *request, struct str name)
{
	return is_in_key(name) ||
		(request->uncoded && str_ieq(name, STR("accept-encoding")));
}

static void
put_line(const struct head *request, struct str name, struct pen *p)
{
	pen_put_lower(p, name);
	if (is_present(request, name) && !is_ours(request, name)) {
		pen_put(p, STR(":"));
		put_value(request, name, p);
	}
	pen_put(p, STR("\n"));
}

/* --- selectors ----------------------------------------------------------- */

static bool
is_listed(struct str name, const struct str *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (str_ieq(names[i], name))
			return true;
	return false;
}

/* What we say of the client to an origin: no request that comes has it. */
static bool
is_of_client(struct str name)
{
	return str_ieq(name, STR("forwarded")) ||
		str_ieq(name, STR("x-forwarded-for"));
}

/* The names in Vary, each once; how many, or -1. */
static int
gather_names(const struct head *response, struct str names[VARY_MAX_NAMES])
{
	struct elements e = {.head = response, .name = STR("Vary")};
	struct str name;
	unsigned n = 0;

	while (elements_next(&e, &name)) {
		if (!char_all(name, CHAR_TOKEN) || str_eq(name, STR("*")) ||
			is_of_client(name))
			return -1;
		if (is_listed(name, names, n))
			continue;
		if (n == VARY_MAX_NAMES)
			return -1;
		names[n++] = name;
	}
	return (int)n;
}

bool
vary_make(const struct head *request, const struct head *response,
	struct buf *out)
{
	struct str names[VARY_MAX_NAMES];
	struct pen pen = {.out = out};
	size_t before = buf_len(out);
	int n = gather_names(response, names);

	if (n < 0)
		return false;
	qsort(names, (size_t)n, sizeof(names[0]), by_name);
	for (int i = 0; i < n; i++)
		put_line(request, names[i], &pen);
	if (buf_len(out) - before <= VARY_MAX_BYTES)
		return true;
	buf_truncate(out, before);
	return false;
}

bool
vary_matches(struct str selector, const struct head *request)
{
	struct pen pen = {.want = selector};

	while (pen.want.n && !pen.differs) {
		size_t n = char_span(pen.want, CHAR_TOKEN);

		/* Never so in what vary_make() wrote. */
		if (n == 0)
			return false;
		put_line(request, str_of(pen.want.p, n), &pen);
	}
	return !pen.differs;
}

void
vary_again(struct str selector, const struct head *request, struct buf *out)
{
	struct pen pen = {.out = out};
	struct str line;

	while (str_split(&selector, '\n', &line)) {
		size_t n = char_span(line, CHAR_TOKEN);

		if (n)
			put_line(request, str_of(line.p, n), &pen);
	}
}
