#include "prog/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sanitized.h"

/* Computing, and messages with descriptors. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), /* how some C libraries do fstat() */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Libraries ask these of the machine, or look for files that tune them, and
 * take no for an answer. */
static const int refused[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(access),
	SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(uname),
};

/* What only a sanitizer's runtime needs. */
static const int sanitizers[] = {
	SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(sched_yield),
	SCMP_SYS(prctl),
	SCMP_SYS(readlink),
	SCMP_SYS(ioctl),
};

static int
add_all(scmp_filter_ctx c, uint32_t action, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add(c, action, calls[i], 0);
	return r;
}

/* Memory is data, never code. */
static int
add_memory(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp data =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, data);

	return r ? r
		 : seccomp_rule_add(
			   c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, data);
}

/* Libraries complain on standard error, where only a sanitizer has something to
 * say. */
static int
add_write(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp complaint =
		SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO);
	const struct scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, STDERR_FILENO);
	const uint32_t no = SCMP_ACT_ERRNO(EACCES);
	int r = seccomp_rule_add(c, SANITIZED ? SCMP_ACT_ALLOW : no,
		SCMP_SYS(write), 1, complaint);

	return r ? r : seccomp_rule_add(c, no, SCMP_SYS(write), 1, other);
}

static int
filter(void)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = c ? 0 : -ENOMEM;

	if (r == 0)
		r = add_all(c, SCMP_ACT_ALLOW, allowed,
			sizeof(allowed) / sizeof(allowed[0]));
	if (r == 0)
		r = add_all(c, SCMP_ACT_ERRNO(EACCES), refused,
			sizeof(refused) / sizeof(refused[0]));
	if (r == 0 && SANITIZED)
		r = add_all(c, SCMP_ACT_ALLOW, sanitizers,
			sizeof(sanitizers) / sizeof(sanitizers[0]));
	if (r == 0)
		r = add_memory(c);
	if (r == 0)
		r = add_write(c);
	if (r == 0)
		r = seccomp_load(c);
	seccomp_release(c);
	return r;
}

static int
limit(int what, rlim_t most)
{
	return setrlimit(what, &(struct rlimit){most, most}) < 0 ? -errno : 0;
}

int
sandbox_enter(const struct sandbox *s)
{
	int r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = limit(RLIMIT_NOFILE, s->files);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0 && !SANITIZED)
		r = limit(RLIMIT_AS, s->memory_bytes);
	return r ? r : filter();
}
