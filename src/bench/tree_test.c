#include "bench/tree.h"

#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static void
put(const char *dir, const char *name, const char *text)
{
	own_free char *path = xasprintf("%s/%s", dir, name);
	own_file FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
}

static void
take(const char *dir, const char *name)
{
	own_free char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(remove(path), 0);
}

static void
files_are_found_sorted_and_mapped(void **state)
{
	char dir[] = "/tmp/sevenfold-tree-XXXXXX";
	struct tree t;

	assert_non_null(mkdtemp(dir));
	own_free char *sub = xasprintf("%s/a", dir);
	assert_int_equal(mkdir(sub, 0755), 0);
	put(dir, "b.txt", "bee");
	put(dir, "a/c.txt", "sea!");
	put(dir, "empty", "");
	put(dir, ".complete", "1");

	assert_int_equal(tree_open(dir, &t), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.bytes, 7);
	assert_string_equal(t.files[0].target, "/a/c.txt");
	assert_string_equal(t.files[1].target, "/b.txt");
	assert_memory_equal(t.files[1].bytes, "bee", 3);
	assert_int_equal(tree_find(&t, "/empty"), 2);
	assert_int_equal(t.files[2].size, 0);
	assert_int_equal(tree_find(&t, "/.complete"), -1);
	assert_int_equal(tree_find(&t, "/nothing"), -1);
	tree_close(&t);

	put(dir, "sp ace", "x");
	assert_int_equal(tree_open(dir, &t), -EINVAL);
	take(dir, "sp ace");
	take(dir, ".complete");
	take(dir, "empty");
	take(dir, "b.txt");
	take(dir, "a/c.txt");
	take(dir, "a");
	assert_int_equal(tree_open(dir, &t), 0);
	assert_int_equal(t.n, 0);
	assert_int_equal(tree_find(&t, "/"), -1);
	tree_close(&t);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(tree_open(dir, &t), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_sorted_and_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
