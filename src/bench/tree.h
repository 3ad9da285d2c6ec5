#pragma once
/*
 * struct tree: the files under a web server's document root, mapped into
 * memory, as the objects that it serves. Names that start with a dot are left
 * out.
 */
#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *target;	   /* owned: "/img/01-300.jpg", only plain characters */
	const char *bytes; /* mapped; NULL when size is 0 */
	size_t size;
};

struct tree {
	struct tree_file *files; /* owned, by target */
	size_t n;
	uint64_t bytes; /* all sizes */
};

/* 0 or negative errno; -EINVAL when a name would have to be escaped. */
int tree_open(const char *dir, struct tree *out);
void tree_close(struct tree *t);
/* The file's index, or -1. */
long tree_find(const struct tree *t, const char *target);
