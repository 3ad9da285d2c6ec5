/* See tree.h. */
#include "bench/tree.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/target.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool
is_plain(const char *target)
{
	struct buf sendable = {0};
	/* What is escaped becomes longer. */
	bool plain = target_sendable(str_z(target), &sendable) &&
		buf_len(&sendable) == strlen(target);

	buf_fini(&sendable);
	return plain && !strpbrk(target, "?%");
}

static int
map_file(const char *path, struct tree_file *out)
{
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	out->size = (size_t)st.st_size;
	if (out->size == 0)
		return 0;
	void *at = mmap(NULL, out->size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	out->bytes = at;
	return 0;
}

static int
add_file(struct tree *t, const char *path, size_t root)
{
	struct tree_file f = {0};
	int r;

	if (!is_plain(path + root))
		return -EINVAL;
	if ((r = map_file(path, &f)) < 0)
		return r;
	f.target = xstrdup(path + root);
	t->files = xrealloc(t->files, (t->n + 1) * sizeof(*t->files));
	t->files[t->n++] = f;
	t->bytes += f.size;
	return 0;
}

static int
by_target(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->target,
		((const struct tree_file *)b)->target);
}

static int
walk(FTS *fts, struct tree *t, size_t root)
{
	FTSENT *e;
	int r = 0;

	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_level > 0 && e->fts_name[0] == '.')
			fts_set(fts, e, FTS_SKIP);
		else if (e->fts_info == FTS_F)
			r = add_file(t, e->fts_path, root);
		else if (e->fts_errno)
			r = -e->fts_errno;
	}
	return r;
}

int
tree_open(const char *dir, struct tree *out)
{
	own_free char *root = realpath(dir, NULL);
	struct tree t = {0};
	int r;

	if (!root)
		return -errno;
	FTS *fts = fts_open((char *[]){root, NULL}, FTS_LOGICAL, NULL);
	if (!fts)
		return -errno;
	r = walk(fts, &t, strlen(root));
	fts_close(fts);
	if (r < 0) {
		tree_close(&t);
		return r;
	}
	if (t.n > 0)
		qsort(t.files, t.n, sizeof(*t.files), by_target);
	*out = t;
	return 0;
}

void
tree_close(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->files[i].bytes)
			munmap((void *)t->files[i].bytes, t->files[i].size);
		free(t->files[i].target);
	}
	free(t->files);
	*t = (struct tree){0};
}

long
tree_find(const struct tree *t, const char *target)
{
	struct tree_file key = {.target = (char *)target};
	const struct tree_file *f = t->n == 0
		? NULL
		: bsearch(&key, t->files, t->n, sizeof(key), by_target);

	return f ? f - t->files : -1;
}
