/*
 * Gives every file of the directories in its arguments to a fuzz target that
 * is linked without libFuzzer: what fuzzing once found stays fixed, under any
 * compiler. Fails when a directory has no file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *dir, const char *name)
{
	own_free char *path = xasprintf("%s/%s", dir, name);
	own_file FILE *f = fopen(path, "rb");
	own_free uint8_t *data = NULL;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		return perror(path), -1;
	rewind(f);
	/* Exactly as long as the file, so that a sanitizer sees overruns. */
	data = xmalloc((size_t)size);
	if (fread(data, 1, (size_t)size, f) != (size_t)size)
		return perror(path), -1;
	fprintf(stderr, "%s\n", path); /* the last one is the one that died */
	LLVMFuzzerTestOneInput(data, (size_t)size);
	return 0;
}

/* The number of files, or -1. */
static int
replay_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int files = 0;

	if (!d)
		return perror(dir), -1;
	while (files >= 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			files = replay_file(dir, e->d_name) ? -1 : files + 1;
	closedir(d);
	return files;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int files = replay_dir(argv[i]);

		if (files <= 0)
			return 1;
		printf("%s: %d files\n", argv[i], files);
	}
	return argc < 2;
}
