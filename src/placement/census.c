#include "placement/census.h"

void
census_put(const struct census *c, struct buf *out)
{
	for (size_t i = 0; i < c->roster.n; i++)
		if (c->down[i])
			buf_printf(out, "down %s\n", c->roster.v[i].name);
	buf_z(out, "\n");
	roster_put(&c->roster, out);
}

/* The lines before the empty one, whose names are in the roster. */
static bool
parse_down(struct str lines, struct census *c)
{
	struct str line, word;
	int at;

	while (str_split(&lines, '\n', &line)) {
		if (!str_split(&line, ' ', &word) ||
			!str_eq(word, STR("down")) || !line.p)
			return false;
		at = roster_find(&c->roster, line);
		if (at < 0)
			return false;
		c->down[at] = true;
	}
	return true;
}

bool
census_parse(struct str text, struct census *out)
{
	struct census c = {0};
	struct str down = {0};
	const char *gap;

	if (text.n && text.p[0] == '\n') {
		text = str_of(text.p + 1, text.n - 1);
	} else {
		gap = text.n ? memmem(text.p, text.n, "\n\n", 2) : NULL;
		if (!gap)
			return false;
		down = str_of(text.p, (size_t)(gap - text.p));
		text = str_of(gap + 2, text.n - down.n - 2);
	}
	if (!roster_parse(text, &c.roster) || !parse_down(down, &c))
		return false;
	*out = c;
	return true;
}
