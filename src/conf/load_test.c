/* What is said of a configuration's file. */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "conf/test_conf.h"

/* What conf_load() of this text says on stderr; *r is its result. */
static char *
load_says(const char *text, int *r)
{
	char path[] = "/tmp/sevenfold-conf-test-XXXXXX";
	own_fd int fd = mkstemp(path), saved = dup(STDERR_FILENO);
	own_file FILE *said = tmpfile();
	struct conf *c = NULL;
	char *z = xcalloc(1, 4096);
	ssize_t n;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	dup2(fileno(said), STDERR_FILENO);
	*r = conf_load(path, &c);
	dup2(saved, STDERR_FILENO);
	unlink(path);
	conf_free(c);
	n = pread(fileno(said), z, 4095, 0);
	assert_true(n >= 0);
	return z;
}

static void
test_load(void **state)
{
	own_free char *right = NULL, *wrong = NULL;
	struct conf *c;
	int r;

	right = load_says(AFTER(SITE), &r);
	assert_int_equal(r, 0);
	assert_string_equal(right, "");
	wrong = load_says(CLUSTER("polcy x; workers 0"), &r);
	assert_int_equal(r, -EINVAL);
	assert_non_null(strstr(wrong,
		":2:1: unknown parameter `polcy` in "
		"`cluster`; did you mean `policy`?\n"));
	assert_non_null(strstr(wrong, ":2:18: `0` is not a number"));
	assert_int_equal(conf_load("/nowhere/at/all", &c), -ENOENT);
	assert_int_equal(conf_load("/", &c), -EISDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
