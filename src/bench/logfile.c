/* See logfile.h. */
#include "bench/logfile.h"

#include "base/own.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static const char *
unpacker_of(const char *path)
{
	struct str s = str_z(path);

	if (s.n < 3)
		return NULL;
	struct str end = str_of(s.p + s.n - 3, 3);
	if (str_eq(end, STR(".gz")))
		return "gzip";
	return str_eq(end, STR(".xz")) ? "xz" : NULL;
}

/* Starts `program -dc` with in as its standard input. */
static int
spawn(const char *program, int in, int out, pid_t *pid)
{
	char *argv[] = {(char *)program, "-dc", NULL};
	posix_spawn_file_actions_t files;
	int r;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	r = posix_spawnp(pid, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

static int
open_packed(const char *program, int in, struct logfile *out)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	own_fd int from = ends[0], to = ends[1];
	int r = spawn(program, in, to, &out->pid);
	if (r < 0)
		return r;
	out->f = fdopen(take_fd(&from), "r");
	return out->f ? 0 : -errno;
}

int
logfile_open(const char *path, struct logfile *out)
{
	const char *program = unpacker_of(path);
	struct logfile l = {0};

	if (!strcmp(path, "-")) {
		out->f = stdin;
		out->pid = 0;
		return 0;
	}
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (program) {
		int r = open_packed(program, fd, &l);

		if (r < 0)
			return r;
	} else if (!(l.f = fdopen(take_fd(&fd), "r"))) {
		return -errno;
	}
	*out = l;
	return 0;
}

int
logfile_close(struct logfile *l)
{
	int status = 0;

	if (l->f != stdin)
		fclose(l->f);
	l->f = NULL;
	if (l->pid == 0)
		return 0;
	while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
