#include "lab/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

#define NETNS_DIR "/run/netns/"

static int
is_ours(const struct dirent *d)
{
	return str_starts(str_z(d->d_name), STR(NETNS_PREFIX));
}

void
netns_hosts(struct netns_hosts *out)
{
	struct dirent **found = NULL;
	int n = scandir(NETNS_DIR, &found, is_ours, versionsort);

	out->n = n > 0 ? (size_t)n : 0;
	out->names = xcalloc(out->n + 1, sizeof(char *));
	for (size_t i = 0; i < out->n; i++) {
		out->names[i] =
			xstrdup(found[i]->d_name + strlen(NETNS_PREFIX));
		free(found[i]);
	}
	free(found);
}

void
netns_hosts_fini(struct netns_hosts *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->names[i]);
	free(h->names);
	*h = (struct netns_hosts){0};
}

static char *
netns_path(const char *host)
{
	return xasprintf(NETNS_DIR NETNS_PREFIX "%s", host);
}

int
netns_enter(const char *host)
{
	own_free char *path = netns_path(host);
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* A slash would lead out of the lab. */
	if (fd < 0 || strchr(host, '/'))
		return -ENOENT;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* For a child that must not outlive the caller that forked it. */
static void
die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

pid_t
netns_start(const char *host, int (*fn)(const void *), const void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	die_with(parent);
	if (host && netns_enter(host) < 0) {
		fprintf(stderr, "lab: can't enter %s\n", host);
		_exit(1);
	}
	_exit(fn(arg) == 0 ? 0 : 1);
}

int
netns_wait(pid_t pid)
{
	int status;

	if (pid < 0)
		return -EIO;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -EIO;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* A memory file, not a pipe: nobody has to keep writing. */
static int
input_fd(struct str input)
{
	own_fd int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, input.p, input.n, 0) != (ssize_t)input.n)
		return -EIO;
	return take_fd(&fd);
}

int
netns_feed(const char *const argv[], struct str input)
{
	own_fd int fd = input_fd(input);
	pid_t parent = getpid(), pid;

	if (fd < 0)
		return fd;
	pid = fork();
	if (pid)
		return netns_wait(pid);
	die_with(parent);
	dup2(fd, STDIN_FILENO);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "lab: can't run %s: %m\n", argv[0]);
	_exit(127);
}

struct netns_id {
	dev_t dev;
	ino_t ino;
};

static struct netns_id
id_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct netns_id){0};
	return (struct netns_id){st.st_dev, st.st_ino};
}

static struct netns_id
id_of_pid(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return id_of(path);
}

static struct netns_id
id_of_host(const char *host)
{
	own_free char *path = netns_path(host);

	return id_of(path);
}

static bool
same(struct netns_id a, struct netns_id b)
{
	return a.ino && a.ino == b.ino && a.dev == b.dev;
}

bool
netns_has(const char *host, pid_t pid)
{
	return same(id_of_pid(pid), id_of_host(host));
}

struct ids {
	struct netns_id *v; /* owned */
	size_t n;
};

static struct ids
ids_of(const char *host)
{
	struct netns_hosts hosts;
	struct ids ids = {0};

	netns_hosts(&hosts);
	ids.v = xcalloc(hosts.n, sizeof(*ids.v));
	for (size_t i = 0; i < hosts.n; i++)
		if (!host || !strcmp(host, hosts.names[i]))
			ids.v[ids.n++] = id_of_host(hosts.names[i]);
	netns_hosts_fini(&hosts);
	return ids;
}

static bool
ids_have(const struct ids *ids, struct netns_id id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (same(ids->v[i], id))
			return true;
	return false;
}

bool
netns_inside_lab(void)
{
	struct ids ids = ids_of(NULL);
	bool inside = ids_have(&ids, id_of_pid(getpid()));

	free(ids.v);
	return inside;
}

/* The pidfd is taken before the look at its namespace: if the number has gone
 * to another process in between, the signal goes nowhere. */
static bool
signal_if_in(const struct ids *ids, pid_t pid, int sig)
{
	own_fd int fd = pidfd_open(pid, 0);

	if (fd < 0 || !ids_have(ids, id_of_pid(pid)))
		return false;
	return pidfd_send_signal(fd, sig, NULL, 0) == 0;
}

size_t
netns_signal(const char *host, int sig)
{
	struct ids ids = ids_of(host);
	DIR *proc = opendir("/proc");
	struct dirent *d;
	size_t n = 0;

	while (proc && ids.n && (d = readdir(proc))) {
		pid_t pid = atoi(d->d_name);

		if (pid > 0 && pid != getpid())
			n += signal_if_in(&ids, pid, sig);
	}
	if (proc)
		closedir(proc);
	free(ids.v);
	return n;
}

/* utime, stime, cutime and cstime are fields 14 to 17 of /proc/PID/stat; the
 * second is a name, which may have anything in it. */
static uint64_t
ran_ticks(pid_t pid)
{
	own_free char *path = xasprintf("/proc/%d/stat", (int)pid);
	own_file FILE *f = fopen(path, "re");
	uint64_t t[4] = {0};
	char line[1024];
	char *name_end;

	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	name_end = strrchr(line, ')');
	if (!name_end ||
		sscanf(name_end,
			") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu "
			"%lu %lu",
			&t[0], &t[1], &t[2], &t[3]) != 4)
		return 0;
	return t[0] + t[1] + t[2] + t[3];
}

uint64_t
netns_cpu_ns(const char *host)
{
	struct netns_id id = id_of_host(host);
	DIR *proc = opendir("/proc");
	struct dirent *d;
	uint64_t ticks = 0;

	while (proc && (d = readdir(proc))) {
		pid_t pid = atoi(d->d_name);

		if (pid > 0 && same(id_of_pid(pid), id))
			ticks += ran_ticks(pid);
	}
	if (proc)
		closedir(proc);
	return ticks * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

int
netns_delete(const char *host)
{
	own_free char *path = netns_path(host);

	/* A crash may have left the file without its mount. */
	(void)umount2(path, MNT_DETACH);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
