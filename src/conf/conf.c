/* Loading a configuration: see conf.h. */
#include "conf/conf.h"

#include "base/mem.h"
#include "base/own.h"
#include "conf/mistake.h"
#include "conf/parse.h"

#include <errno.h>
#include <fcntl.h>

#define FILE_BYTES_MAX (16u << 20)

int
conf_parse(struct str text, struct conf **out, struct conf_errors *errors)
{
	struct conf *c = NEW(struct conf);

	*errors = (struct conf_errors){0};
	parse(text, c, errors);
	if (errors->n > 0) {
		conf_free(c);
		return -EINVAL;
	}
	*out = c;
	return 0;
}

static int
read_all(int fd, struct buf *b)
{
	ssize_t n;

	do {
		char *room = buf_reserve(b, 65536);

		n = read(fd, room, 65536);
		if (n > 0)
			buf_commit(b, (size_t)n);
		if (buf_len(b) > FILE_BYTES_MAX)
			return -EFBIG;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int
read_path(const char *path, struct buf *b)
{
	own_fd int fd = -1;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, b);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_all(fd, b);
}

static void
print_mistakes(const char *path, const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->v[i];

		fprintf(stderr, "%s:%u:%u: %s; %s\n", path, e->line, e->column,
			e->text, e->hint);
	}
	if (mistakes_full(errors))
		fprintf(stderr, "%s: stopped after %u mistakes\n", path,
			MISTAKES_MAX);
}

int
conf_load(const char *path, struct conf **out)
{
	struct conf_errors errors = {0};
	struct buf b = {0};
	int r = read_path(path, &b);

	if (r < 0) {
		fprintf(stderr, "sevenfold: can't read %s: %s\n", path,
			strerror(-r));
	} else {
		r = conf_parse(buf_view(&b), out, &errors);
		print_mistakes(path, &errors);
	}
	conf_errors_fini(&errors);
	buf_fini(&b);
	return r;
}

static void
site_fini(struct conf_site *s)
{
	for (size_t i = 0; i < s->nhosts; i++)
		free(s->hosts[i]);
	free(s->hosts);
	for (size_t i = 0; i < s->norigins; i++)
		free(s->origins[i].host);
	free(s->origins);
	free(s->check_path);
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nnodes; i++)
		free(c->nodes[i].name);
	for (size_t i = 0; i < c->nsites; i++)
		site_fini(&c->sites[i]);
	free(c->cluster);
	free(c->nodes);
	free(c->forward.v);
	free(c->connect_ports.v);
	free(c->proxy_protocol.v);
	free(c->sites);
	free(c->secret_file);
	free(c->interface);
	free(c->check_http);
	free(c);
}

int
conf_node_index(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nnodes; i++)
		if (!strcmp(c->nodes[i].name, name))
			return (int)i;
	return -1;
}
