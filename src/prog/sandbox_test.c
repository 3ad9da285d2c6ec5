/*
 * What can't be done from inside: each in a process of its own, which enters
 * the distiller's sandbox, tries, and says how it went by how it ends.
 */
#include "prog/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sanitized.h"

enum { FINE = 0, REFUSED = 1, NO_SANDBOX = 2 };

static int
of(long result)
{
	return result < 0 ? REFUSED : FINE;
}

static int
nothing(void)
{
	return FINE;
}

static int
compute(void)
{
	char *p = malloc(1 << 20);

	if (!p)
		return REFUSED;
	memset(p, 1, 1 << 20);
	free(p);
	return FINE;
}

static int
open_file(void)
{
	return of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
make_socket(void)
{
	return of(socket(AF_INET, SOCK_STREAM, 0));
}

static int
make_pair(void)
{
	int pair[2];

	return of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int
run_program(void)
{
	return of(execl("/bin/true", "true", NULL));
}

static int
make_process(void)
{
	return of(fork());
}

static int
signal_parent(void)
{
	return of(kill(getppid(), 0));
}

static int
trace(void)
{
	return of(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int
map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? REFUSED : FINE;
}

static int
unlink_file(void)
{
	return of(unlink("/tmp/sevenfold-no-such-file"));
}

static int
use_memory(void)
{
	/* volatile: or clang finds that it can do without */
	char *volatile p = malloc((size_t)2 << 30);

	if (!p)
		return REFUSED;
	memset(p, 1, (size_t)2 << 30);
	return FINE;
}

/* How it ended: an exit status, or minus a signal. */
static int
inside(int (*try)(void))
{
	const struct sandbox limits = {(size_t)1 << 30, 8};
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(sandbox_enter(&limits) < 0 ? NO_SANDBOX : try());
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_works(void **state)
{
	(void)state;
	assert_int_equal(inside(nothing), FINE);
	assert_int_equal(inside(compute), FINE);
}

static void
test_refused(void **state)
{
	(void)state;
	assert_int_equal(inside(open_file), REFUSED);
}

static void
test_killed(void **state)
{
	static int (*const tries[])(void) = {make_socket, make_pair,
		run_program, make_process, signal_parent, trace, map_code,
		unlink_file};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		assert_int_equal(inside(tries[i]), -SIGSYS);
}

static void
test_memory(void **state)
{
	(void)state;
	if (SANITIZED)
		print_message("SKIP: a sanitizer's memory knows no limit\n");
	else
		assert_int_equal(inside(use_memory), REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
