/* The parser of the configuration: see parse.h. */
#include "conf/parse.h"

#include "base/check.h"
#include "base/mem.h"
#include "conf/lex.h"
#include "conf/param.h"
#include "conf/rules.h"

#include <stdlib.h>

enum { PRESET_WORDS_MAX = 8 };

struct parser {
	struct lex lex;
	struct token token; /* the next one */
	struct conf_errors *errors;
	struct conf *conf;
	/* the words of the statement being read */
	struct arg *words; /* owned */
	size_t nwords, words_cap;
	bool kept;			/* they are still to be dealt with */
	struct position blocks[BLOCKS]; /* where each was opened last */
	struct position seen[PARAMS];	/* where each is in that block */
};

static void
next(struct parser *p)
{
	p->token = lex_next(&p->lex);
}

static void
skip_ends(struct parser *p)
{
	while (p->token.kind == LEX_END)
		next(p);
}

/* The words of the next statement, none before `{`, `}` and the file's end.
 * What ends them is left as the next token. */
static void
read_words(struct parser *p)
{
	if (p->kept) {
		p->kept = false;
		return;
	}
	skip_ends(p);
	for (p->nwords = 0; p->token.kind == LEX_WORD; next(p)) {
		if (p->nwords == p->words_cap) {
			p->words_cap = p->words_cap ? 2 * p->words_cap : 8;
			p->words = xrealloc(
				p->words, p->words_cap * sizeof(*p->words));
		}
		p->words[p->nwords++] =
			(struct arg){p->token.at, p->token.text};
	}
}

static void
unclosed(struct parser *p, struct position at)
{
	mistake(p->errors, at,
		"block without an end\n"
		"close what is opened here with `}`");
}

/* The next token is `{`: up to and with its `}`. */
static void
skip_block(struct parser *p)
{
	struct position at = p->token.at;
	size_t depth = 0;

	do {
		if (p->token.kind == LEX_EOF) {
			unclosed(p, at);
			return;
		}
		depth += p->token.kind == LEX_OPEN;
		depth -= p->token.kind == LEX_CLOSE;
		next(p);
	} while (depth > 0);
}

static void
skip_nameless_block(struct parser *p)
{
	mistake(p->errors, p->token.at,
		"`{` without a name before it\n"
		"write the block's name first, like `cluster edge {`");
	skip_block(p);
}

static int
find_block(struct str word)
{
	for (int i = 0; i < BLOCKS; i++)
		if (str_eq(word, str_z(blocks[i].name)))
			return i;
	return -1;
}

/* In the given block, or in any if it is BLOCKS. */
static const struct param *
find_param(enum block_id block, struct str word)
{
	for (const struct param *m = params; m < params + PARAMS; m++)
		if ((block == BLOCKS || m->block == block) &&
			str_eq(word, str_z(m->name)))
			return m;
	return NULL;
}

static void
misplaced_param(struct parser *p, enum block_id block, const struct param *m)
{
	mistake(p->errors, p->words[0].at,
		"`%s` in a `%s` block\n"
		"move it to `%s`, where it belongs",
		m->name, blocks[block].name, blocks[m->block].name);
}

/* A likely misspelling counts as given. */
static void
unknown_param(struct parser *p, enum block_id block)
{
	const char *names[PARAMS];
	struct buf list = {0};
	size_t first = 0, n = 0;
	int near;

	while (params[first].block != block)
		first++;
	for (; first + n < PARAMS && params[first + n].block == block; n++) {
		names[n] = params[first + n].name;
		buf_printf(&list, "%s`%s`", n ? ", " : "", names[n]);
	}
	near = nearest_name(p->words[0].text, names, n);
	if (near >= 0) {
		mistake(p->errors, p->words[0].at,
			"unknown parameter %s in `%s`\ndid you mean `%s`?",
			quote(p->words[0].text).z, blocks[block].name,
			names[near]);
		p->seen[first + (size_t)near] = p->words[0].at;
	} else {
		mistake(p->errors, p->words[0].at,
			"unknown parameter %s in `%s`\nwrite one of %.*s",
			quote(p->words[0].text).z, blocks[block].name,
			STR_ARG(buf_view(&list)));
	}
	buf_fini(&list);
}

/* The statement's words are few enough, and enough, for its parameter. */
static bool
check_arity(struct parser *p, const struct param *m)
{
	const struct kind *k = m->kind;
	size_t nargs = p->nwords - 1;

	if (nargs < k->min_args) {
		mistake(p->errors, p->words[0].at,
			"`%s` without %s\n"
			"write `%s %s`, like `%s %s`",
			m->name, nargs ? "all its values" : "a value", m->name,
			k->form, m->name, k->example);
		return false;
	}
	if (nargs > k->max_args) {
		mistake(p->errors, p->words[k->max_args + 1].at,
			"unexpected %s after `%s`\n"
			"end the statement before it, with `;` or a new line",
			quote(p->words[k->max_args + 1].text).z, m->name);
		return false;
	}
	return true;
}

static void
set_param(struct parser *p, const struct param *m, void *base)
{
	struct position *seen = &p->seen[m - params];

	if (seen->line && !m->kind->repeats) {
		mistake(p->errors, p->words[0].at,
			"`%s` is given already, on line %u\n"
			"keep one of the two",
			m->name, seen->line);
		return;
	}
	*seen = p->words[0].at;
	if (check_arity(p, m))
		(void)m->kind->set(p->errors, p->words + 1, p->nwords - 1,
			(char *)base + m->offset);
}

static void
parse_param(struct parser *p, enum block_id block, void *base)
{
	const struct param *here = find_param(block, p->words[0].text);
	const struct param *any = find_param(BLOCKS, p->words[0].text);

	if (here)
		set_param(p, here, base);
	else if (any)
		misplaced_param(p, block, any);
	else
		unknown_param(p, block);
	if (p->token.kind != LEX_OPEN)
		return;
	if (any)
		mistake(p->errors, p->token.at,
			"`%s` opens no block\n"
			"end the statement with `;` or a new line",
			any->name);
	skip_block(p);
}

/* The preset's words, as if the file had them. */
static void
set_preset(struct parser *p, const struct param *m, void *member)
{
	struct arg words[PRESET_WORDS_MAX];
	struct str rest = str_z(m->preset), word;
	size_t n = 0;

	while (n < PRESET_WORDS_MAX && rest.p && str_split(&rest, ' ', &word))
		words[n++] = (struct arg){{0, 0}, word};
	CHECK(m->kind->set(p->errors, words, n, member));
}

/* Gives what the block's statements left out. */
static void
set_presets(struct parser *p, enum block_id block, void *base)
{
	for (size_t i = 0; i < PARAMS; i++) {
		const struct param *m = &params[i];

		if (m->block != block || p->seen[i].line ||
			m->preset == PARAM_OPTIONAL)
			continue;
		if (m->preset == PARAM_REQUIRED)
			mistake(p->errors, p->blocks[block],
				"`%s` without `%s`\n"
				"add `%s %s`, like `%s %s`",
				blocks[block].name, m->name, m->name,
				m->kind->form, m->name, m->kind->example);
		else
			set_preset(p, m, (char *)base + m->offset);
	}
}

/* The next token is `{`. */
static void
parse_block(struct parser *p, enum block_id block, void *base)
{
	struct position at = p->token.at;

	for (size_t i = 0; i < PARAMS; i++)
		if (params[i].block == block)
			p->seen[i] = (struct position){0};
	next(p);
	for (;;) {
		read_words(p);
		if (p->nwords == 0 && p->token.kind == LEX_OPEN) {
			skip_nameless_block(p);
		} else if (p->nwords == 0) {
			break;
		} else if (find_block(p->words[0].text) >= 0) {
			p->kept = true;
			break;
		} else {
			parse_param(p, block, base);
		}
	}
	if (!p->kept && p->token.kind == LEX_CLOSE)
		next(p);
	else
		unclosed(p, at);
	set_presets(p, block, base);
}

static void
parse_cluster(struct parser *p)
{
	if (p->nwords != 2)
		mistake(p->errors, p->words[p->nwords > 2 ? 2 : 0].at,
			"`cluster` takes one name\n"
			"write `cluster NAME {`, like `cluster edge {`");
	else
		(void)read_name(p->errors, p->words[1], &p->conf->cluster);
	parse_block(p, BLOCK_cluster, p->conf);
	rules_cluster(p->errors, p->conf, p->seen);
}

static void
parse_balancer(struct parser *p)
{
	if (p->nwords != 1)
		mistake(p->errors, p->words[1].at,
			"unexpected %s after `balancer`\n"
			"write `balancer {`",
			quote(p->words[1].text).z);
	parse_block(p, BLOCK_balancer, p->conf);
}

static void
add_host(struct parser *p, struct conf_site *s, struct arg a)
{
	char *host;

	if (!read_host(p->errors, a, &host))
		return;
	if (!rules_new_host(p->errors, p->conf, a, host)) {
		free(host);
		return;
	}
	s->hosts = xrealloc(s->hosts, (s->nhosts + 1) * sizeof(*s->hosts));
	s->hosts[s->nhosts++] = host;
}

static void
parse_site(struct parser *p)
{
	struct conf *c = p->conf;
	struct conf_site *s;

	c->sites = xrealloc(c->sites, (c->nsites + 1) * sizeof(*c->sites));
	s = &c->sites[c->nsites++];
	*s = (struct conf_site){0};
	if (p->nwords == 1)
		mistake(p->errors, p->words[0].at,
			"`site` without a host\n"
			"write `site HOST... {`, like `site example.org {`");
	for (size_t i = 1; i < p->nwords; i++)
		add_host(p, s, p->words[i]);
	rules_site(p->errors, c, p->words[0].at);
	parse_block(p, BLOCK_site, s);
}

/* The block that is meant, or -1. */
static int
unknown_block(struct parser *p)
{
	struct str word = p->words[0].text;
	const struct param *m = find_param(BLOCKS, word);
	const char *names[BLOCKS];
	int near = -1;

	for (int i = 0; i < BLOCKS; i++)
		names[i] = blocks[i].name;
	if (!m)
		near = nearest_name(word, names, BLOCKS);
	if (m)
		mistake(p->errors, p->words[0].at,
			"`%s` outside of a block\n"
			"move it into `%s`, where it belongs",
			m->name, blocks[m->block].name);
	else if (near >= 0)
		mistake(p->errors, p->words[0].at,
			"unknown block %s\ndid you mean `%s`?", quote(word).z,
			names[near]);
	else
		mistake(p->errors, p->words[0].at,
			"unknown block %s\n"
			"write `cluster`, `balancer` or `site`",
			quote(word).z);
	if (near < 0 && p->token.kind == LEX_OPEN)
		skip_block(p);
	return near;
}

/* The next token is `{`. */
static void
parse_block_of(struct parser *p, enum block_id block)
{
	struct position before = p->blocks[block];

	p->blocks[block] = p->words[0].at;
	if (before.line && block != BLOCK_site) {
		mistake(p->errors, p->words[0].at,
			"there is a `%s` block already, on line %u\n"
			"make one of the two",
			blocks[block].name, before.line);
		skip_block(p);
		return;
	}
	switch (block) {
	case BLOCK_cluster: parse_cluster(p); break;
	case BLOCK_balancer: parse_balancer(p); break;
	case BLOCK_site: parse_site(p); break;
	case BLOCKS: CHECK(block < BLOCKS);
	}
}

/* A statement that is in no block. */
static void
parse_top(struct parser *p)
{
	int block = find_block(p->words[0].text);

	if (block < 0)
		block = unknown_block(p);
	if (block < 0)
		return;
	skip_ends(p); /* the `{` may have a line of its own */
	if (p->token.kind == LEX_OPEN) {
		parse_block_of(p, (enum block_id)block);
		return;
	}
	p->blocks[block] = p->words[0].at;
	mistake(p->errors, p->words[0].at,
		"`%s` without a block\n"
		"write `%s` and what belongs to it, then `}`",
		blocks[block].name, blocks[block].form);
}

static void
parse_file(struct parser *p)
{
	for (;;) {
		read_words(p);
		if (p->nwords > 0) {
			parse_top(p);
		} else if (p->token.kind == LEX_OPEN) {
			skip_nameless_block(p);
		} else if (p->token.kind == LEX_CLOSE) {
			mistake(p->errors, p->token.at,
				"`}` without an open block\n"
				"remove it");
			next(p);
		} else {
			break;
		}
	}
	if (!p->blocks[BLOCK_balancer].line)
		set_presets(p, BLOCK_balancer, p->conf);
	rules_file(p->errors, p->conf, p->blocks[BLOCK_cluster],
		p->seen[PARAM_cluster_forward].line > 0);
}

void
parse(struct str text, struct conf *c, struct conf_errors *errors)
{
	struct parser p = {.errors = errors, .conf = c};

	lex_init(&p.lex, text, errors);
	next(&p);
	parse_file(&p);
	free(p.words);
}
