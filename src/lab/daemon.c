#include "lab/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "lab/netns.h"
#include "lab/shape.h"
#include "lab/state.h"
#include "lab/topo.h"

/* Where time is scarce a question waits its turn behind all requests. */
enum { LOG_TAIL_LINES = 8, ANSWER_TIMEOUT_S = 60 };

/* "n1", or "n1-squid" */
static char *
stem(const struct daemon *d, const struct topo_host *h)
{
	return d->behind ? xasprintf("%s-%s", h->name, d->name)
			 : xstrdup(h->name);
}

char *
daemon_file(
	const struct daemon *d, const struct topo_host *h, const char *ending)
{
	own_free char *name = stem(d, h);

	return xasprintf(STATE_DIR "/%s.%s", name, ending);
}

static char *
log_of(const struct daemon *d, const struct topo_host *h)
{
	own_free char *name = stem(d, h);

	return xasprintf(STATE_DIR "/logs/%s.log", name);
}

/* execvp() would look there too. */
static bool
in_path(const char *command)
{
	own_free char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "");
	struct str rest = str_z(path), dir;

	while (str_split(&rest, ':', &dir)) {
		own_free char *full =
			xasprintf("%.*s/%s", STR_ARG(dir), command);

		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

int
daemon_check(const struct daemon *d)
{
	struct topo_host any = topo_host(TOPO_FIRST_NODE);

	if (!d->package || in_path(d->argv(&any)[0]))
		return 0;
	fprintf(stderr, "lab: there is no %s (Debian: apt install %s)\n",
		d->argv(&any)[0], d->package);
	return -ENOENT;
}

static int
redirect(const char *path)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (in < 0 || out < 0)
		return -errno;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	return close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

_Noreturn static void
become(const struct daemon *d, const struct topo_host *h)
{
	own_free char *log = log_of(d, h);
	const char *const *argv = d->argv(h);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/") < 0 || redirect(log) < 0)
		_exit(1);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "lab: can't run %s: %m\n", argv[0]);
	_exit(127);
}

/* In the child between the lab and the daemon, which makes the daemon nobody's
 * child. It is in h's namespace before the daemon is born, so that no one sees
 * a daemon outside. */
static int
fork_daemon(const struct daemon *d, const struct topo_host *h)
{
	own_free char *pid_path = daemon_file(d, h, "pid");
	char text[16];
	pid_t pid;

	if (netns_enter(h->name) < 0 || shape_cpu_join(h->name) < 0)
		return -EIO;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		return state_write(pid_path, text,
			(size_t)snprintf(text, sizeof(text), "%d\n", pid));
	become(d, h);
}

int
daemon_start(const struct daemon *d, const struct topo_host *h)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fork_daemon(d, h) < 0);
	return netns_wait(pid);
}

pid_t
daemon_pid(const struct daemon *d, const struct topo_host *h)
{
	own_free char *path = daemon_file(d, h, "pid");
	own_file FILE *f = fopen(path, "re");
	int pid = 0;

	if (!f || fscanf(f, "%d", &pid) != 1)
		return 0;
	return netns_has(h->name, pid) ? pid : 0;
}

static void
print_log_tail(const char *path)
{
	own_file FILE *f = fopen(path, "re");
	char lines[LOG_TAIL_LINES][512];
	size_t n = 0;

	while (f && fgets(lines[n % LOG_TAIL_LINES], 512, f))
		n++;
	for (size_t i = n > LOG_TAIL_LINES ? n - LOG_TAIL_LINES : 0; i < n; i++)
		fprintf(stderr, "    %s", lines[i % LOG_TAIL_LINES]);
}

static void
complain(const struct daemon *d, const struct topo_host *h, int r,
	const struct buf *why)
{
	own_free char *name = stem(d, h), *log = log_of(d, h);

	if (r == -ECHILD)
		fprintf(stderr, "lab: %s has ended; its log:\n", name);
	else
		fprintf(stderr, "lab: %s did not come up: it %.*s; its log:\n",
			name, STR_ARG(buf_view(why)));
	print_log_tail(log);
}

int
daemon_await(const struct daemon *d, const struct topo_host *h, unsigned nodes,
	uint64_t deadline_ns)
{
	struct buf why = {0};
	int r = 0;

	while (r == 0 && !d->is_ready(h, nodes, &why)) {
		if (!daemon_pid(d, h))
			r = -ECHILD;
		else if (clock_mono_ns() > deadline_ns)
			r = -ETIMEDOUT;
		else
			r = state_pause(20);
		if (r == 0)
			buf_consume(&why, buf_len(&why));
	}
	if (r < 0 && r != -EINTR)
		complain(d, h, r, &why);
	buf_fini(&why);
	return r;
}

/* --- asking them ---------------------------------------------------------- */

static int
dial(const char *addr, uint16_t port, unsigned timeout_s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval t = {timeout_s, 0};
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	inet_pton(AF_INET, addr, &a.sin_addr);
	return connect(fd, (void *)&a, sizeof(a)) < 0 ? -errno : take_fd(&fd);
}

/* The sockets of its namespace say so. */
bool
daemon_listens_inside(const struct daemon *d, const struct topo_host *h,
	unsigned port, struct buf *why)
{
	enum { LISTEN = 10 };
	char path[64], line[256];
	unsigned seen, state;

	buf_printf(why, "does not listen on port %u", port);
	snprintf(path, sizeof(path), "/proc/%d/net/tcp", (int)daemon_pid(d, h));
	own_file FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*8x:%x %*8x:%*x %x", &seen, &state) ==
				2 &&
			seen == port && state == LISTEN)
			return true;
	return false;
}

/* Seen from this machine's own place on the lab's network. */
bool
daemon_listens(const struct topo_host *h, unsigned nodes, struct buf *why)
{
	own_fd int fd = dial(h->addr, 80, 1);

	buf_z(why, "does not answer on port 80");
	return fd >= 0;
}

struct question {
	const char *const *argv; /* NULL: the others */
	const char *addr, *request;
	uint16_t port;
	int out;
};

static int
copy_answer(const struct question *q)
{
	own_fd int fd = dial(q->addr, q->port, ANSWER_TIMEOUT_S);
	size_t len = strlen(q->request);
	char piece[16384];
	ssize_t n;

	if (fd < 0 || write(fd, q->request, len) != (ssize_t)len)
		return -EIO;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (write(q->out, piece, (size_t)n) != n)
			return -EIO;
	return n < 0 ? -EIO : 0;
}

/* in the host; the alarm stays set for a program, too */
static int
put_question(const void *arg)
{
	const struct question *q = arg;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	alarm(ANSWER_TIMEOUT_S);
	if (!q->argv)
		return copy_answer(q);
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(q->out, STDOUT_FILENO);
	execvp(q->argv[0], (char *const *)q->argv);
	return -errno;
}

static int
put(const char *host, struct question q, struct buf *out)
{
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	q.out = fds[1];
	pid_t pid = netns_start(host, put_question, &q);

	close(fds[1]);
	while ((n = read(fds[0], buf_reserve(out, 16384), 16384)) > 0)
		buf_commit(out, (size_t)n);
	close(fds[0]);
	return netns_wait(pid);
}

int
daemon_run(const char *host, const char *const argv[], struct buf *out)
{
	return put(host, (struct question){.argv = argv}, out);
}

int
daemon_ask(const char *host, const char *addr, uint16_t port,
	const char *request, struct buf *out)
{
	struct question q = {.addr = addr, .port = port, .request = request};

	return put(host, q, out);
}

static uint64_t
digits(struct str s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n && char_is_digit(s.p[i]); i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	return v;
}

uint64_t
daemon_figure(struct str text, const char *name)
{
	struct str line, n = str_z(name);

	while (str_split(&text, '\n', &line)) {
		line = str_trim(line);
		if (line.n <= n.n)
			continue;
		if (str_eq(str_of(line.p + line.n - n.n, n.n), n))
			return digits(line);
		if (!str_starts(line, n) || !strchr(" :=", line.p[n.n]))
			continue;
		line = str_of(line.p + n.n, line.n - n.n);
		while (line.n && strchr(" :=", *line.p))
			line = str_of(line.p + 1, line.n - 1);
		return digits(line);
	}
	return 0;
}
