#include "lab/state.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "lab/arch.h"
#include "lab/lab.h"

#define LOCK_FILE "/run/sevenfold-lab.lock"
#define STATE_FILE STATE_DIR "/state.json"

/* The file may have been removed by its last holder while we waited. */
static bool
is_lock_file(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(LOCK_FILE, &b) == 0 &&
		a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int
state_lock(void)
{
	/* A killed `up` may take a moment to die with its children. */
	uint64_t deadline = clock_mono_ns() + 2 * NS_PER_S;

	while (clock_mono_ns() < deadline) {
		own_fd int fd =
			open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0) {
			fprintf(stderr, "lab: " LOCK_FILE ": %m\n");
			return -EACCES;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_lock_file(fd))
			return take_fd(&fd);
		usleep(10000);
	}
	fprintf(stderr, "lab: another 'sevenfold lab' is at work\n");
	return -EBUSY;
}

void
state_unlock(int fd)
{
	unlink(LOCK_FILE);
	close(fd);
}

bool
state_exists(void)
{
	return access(STATE_DIR, F_OK) == 0;
}

bool
state_complete(void)
{
	return access(STATE_FILE, F_OK) == 0;
}

int
state_mkdir(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	int err = errno;

	fprintf(stderr, "lab: %s: %s\n", path, strerror(err));
	return -err;
}

int
state_link(const char *target, const char *path)
{
	own_free char *real = realpath(target, NULL);

	if (real && symlink(real, path) == 0)
		return 0;
	int err = errno;

	fprintf(stderr, "lab: %s: %s\n", target, strerror(err));
	return -err;
}

int
state_make(void)
{
	static const char *const dirs[] = {
		"/run/sevenfold", STATE_DIR, STATE_DIR "/logs"};

	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(*dirs); i++)
		r = state_mkdir(dirs[i]);
	return r;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

int
state_remove(void)
{
	if (state_exists() &&
		nftw(STATE_DIR, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) {
		fprintf(stderr, "lab: can't remove " STATE_DIR ": %m\n");
		return -EIO;
	}
	(void)rmdir("/run/sevenfold"); /* if nobody else uses it */
	return 0;
}

int
state_write(const char *path, const void *p, size_t n)
{
	own_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && write(fd, p, n) == (ssize_t)n)
		return 0;
	fprintf(stderr, "lab: %s: %m\n", path);
	return -EIO;
}

int
state_save(const struct lab_options *o)
{
	json_t *j = json_pack(
		"{s:s, s:i, s:b, s:I, s:I, s:i, s:s, s:b, s:b, s:s?}", "url",
		LAB_URL, "nodes", (int)o->nodes, "bare", (int)o->bare,
		"link_bits", (json_int_t)o->link_bits, "client_link_bits",
		(json_int_t)o->client_link_bits, "cpu_millicores",
		(int)o->cpu_millicores, "arch", o->arch->name, "squid",
		(int)o->squid, "distill", (int)o->distill, "policy",
		o->policy ? o->policy->name : NULL);
	int r = j ? json_dump_file(j, STATE_FILE, JSON_INDENT(2)) : -1;

	json_decref(j);
	if (r == 0)
		return 0;
	fprintf(stderr, "lab: can't write " STATE_FILE "\n");
	return -EIO;
}

int
state_load(struct lab_options *o)
{
	json_t *j = json_load_file(STATE_FILE, 0, NULL);
	json_int_t link = 0, client = 0;
	int nodes = 0, bare = 0, cpu = 0, squid = 0, distill = 0;
	const char *name = "";
	const struct arch *arch;
	int r = json_unpack(j, "{s:i, s:b, s:I, s:I, s:i, s:s, s:b, s:b}",
		"nodes", &nodes, "bare", &bare, "link_bits", &link,
		"client_link_bits", &client, "cpu_millicores", &cpu, "arch",
		&name, "squid", &squid, "distill", &distill);

	arch = arch_find(name);
	json_decref(j);
	if (r < 0 || !arch)
		return -ENOENT;
	*o = (struct lab_options){
		.arch = arch,
		.squid = squid,
		.distill = distill,
		.nodes = (unsigned)nodes,
		.bare = bare,
		.link_bits = (uint64_t)link,
		.client_link_bits = (uint64_t)client,
		.cpu_millicores = (unsigned)cpu,
	};
	return 0;
}

static sigset_t
end_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	return ends;
}

void
state_hold(sigset_t *before)
{
	sigset_t ends = end_signals();

	sigprocmask(SIG_BLOCK, &ends, before);
}

int
state_pause(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	sigset_t ends = end_signals();

	return sigtimedwait(&ends, NULL, &t) > 0 ? -EINTR : 0;
}
