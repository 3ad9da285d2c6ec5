/*
 * client [OPTION...] ADDRESS PORT PATH...: a load that costs little.
 *
 * Opens its connections, all kept alive, and obeys the lines on its standard
 * input; each is answered with a line of JSON when the last request is over:
 *
 *	run SECONDS	a request at a time on each connection
 *	count N		as many requests, over all connections
 *	each		one on each connection, AT_ONCE at once
 *
 * The status, length and both ends of every answer are verified (object.h).
 * What is wrong is counted, and the first case told on standard error; its
 * connection is not used again. Between two lines nothing is under way: the
 * CPU time of a server from one to the other belongs to these requests.
 *
 * With --spin it polls instead of sleeping until an answer is there: a server
 * is then not charged with waking an idle core, which on virtual machines costs
 * as much as several requests.
 *
 * The requests go through the PATHs in turn. With --keys N there is one PATH,
 * with a number of seven digits behind it: `count` goes through 0..N-1 as they
 * come, so that it can fill a cache, `run` jumps about.
 */
#include "engine/object.h"

#include "base/clock.h"
#include "base/mem.h"
#include "bench/hist.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
	EVENTS = 512,
	IN_BYTES = 256 * 1024,
	HEAD_BYTES = 4096, /* the longest head that may come in parts */
	KEY_DIGITS = 7,
	AT_ONCE = 64,
	PATIENCE_MS = 10000, /* for the next answer */
};
#define JUMP UINT64_C(2654435761) /* a prime above all numbers of keys */

/* A request, and how the body of its answer begins. */
struct request {
	char *bytes; /* owned */
	size_t n;
	struct str path; /* in bytes */
};

enum phase { IDLE, HEAD, BODY };

struct conn {
	int fd; /* -1: failed */
	enum phase phase;
	struct request *request; /* borrowed: client */
	uint64_t key;
	uint64_t began_ns;
	size_t body; /* bytes so far */
	char last[OBJECT_END_BYTES];
	char *head; /* owned, NULL: what came of a head that is not whole */
	size_t head_bytes;
};

struct client {
	struct in_addr addr;
	uint16_t port;
	unsigned nconns, nrequests;
	uint64_t keys; /* 0: none */
	size_t length;
	bool spin;
	struct request *requests; /* owned */
	struct conn *conns;	  /* owned */
	int epoll;
	char *in; /* IN_BYTES behind HEAD_BYTES; owned */

	/* The line that is obeyed: */
	bool jump, each;
	uint64_t until_ns; /* no request begins after that */
	uint64_t most;	   /* requests to begin */
	uint64_t begun, done, errors;
	unsigned busy; /* connections with a request under way */
	uint64_t now_ns;
	struct hist latency_ns;
};

/* --- requests --------------------------------------------------------------
 */

static void
make_request(struct client *c, struct request *r, const char *path)
{
	static const char digits[KEY_DIGITS + 1] = "0000000";

	r->bytes = xasprintf("GET %s%s HTTP/1.1\r\nHost: bench.test\r\n"
			     "User-Agent: sevenfold-bench\r\nAccept: */*\r\n"
			     "\r\n",
		path, c->keys ? digits : "");
	r->n = strlen(r->bytes);
	r->path.p = r->bytes + strlen("GET ");
	r->path.n = strcspn(r->path.p, " ?");
}

/* Writes the key's digits at the end of the request's path. */
static void
set_key(struct request *r, uint64_t key)
{
	char *digit = r->bytes + strlen("GET ") + r->path.n;

	for (int i = 0; i < KEY_DIGITS; i++, key /= 10)
		*--digit = (char)('0' + key % 10);
}

static void
fail(struct client *c, struct conn *conn, const char *why)
{
	if (c->errors++ == 0)
		fprintf(stderr, "client: %.*s: %s\n",
			(int)conn->request->path.n, conn->request->path.p, why);
	c->busy--;
	close(conn->fd);
	conn->fd = -1;
}

static void
begin(struct client *c, struct conn *conn)
{
	uint64_t i = c->begun++;
	struct request *r = &c->requests[i % c->nrequests];

	if (c->keys) {
		conn->key = (c->jump ? i * JUMP : i) % c->keys;
		set_key(r, conn->key);
	}
	conn->request = r;
	conn->phase = HEAD;
	conn->body = 0;
	conn->began_ns = c->now_ns;
	c->busy++;
	/* The socket is empty, so it takes all of a request. */
	if (send(conn->fd, r->bytes, r->n, MSG_NOSIGNAL) != (ssize_t)r->n)
		fail(c, conn, "could not send");
}

/* The next request, on a connection that is free. */
static void
next(struct client *c, struct conn *conn)
{
	if (c->begun == c->most || c->now_ns >= c->until_ns)
		return;
	if (c->each)
		conn = &c->conns[c->begun];
	if (conn->fd >= 0)
		begin(c, conn);
}

static void
end(struct client *c, struct conn *conn)
{
	if (memcmp(conn->last, OBJECT_END, sizeof(conn->last)) != 0) {
		fail(c, conn, "the body ends with other bytes");
		return;
	}
	c->now_ns = clock_mono_ns();
	hist_add(&c->latency_ns, c->now_ns - conn->began_ns);
	conn->phase = IDLE;
	c->done++;
	c->busy--;
	next(c, conn);
}

/* --- answers ---------------------------------------------------------------
 */

/* Content-Length, or SIZE_MAX. */
static size_t
length_of(struct str head)
{
	static const struct str name = {"Content-Length:", 15};
	struct str line;

	while (str_split(&head, '\n', &line)) {
		uint64_t n;

		if (line.n < name.n || !str_ieq(str_of(line.p, name.n), name))
			continue;
		line = str_of(line.p + name.n, line.n - name.n - 1);
		return str_u64(str_trim(line), INT32_MAX, &n) < 0 ? SIZE_MAX
								  : (size_t)n;
	}
	return SIZE_MAX;
}

static bool
begins_right(const struct conn *conn, struct str bytes)
{
	struct str path = conn->request->path;

	if (conn->body >= path.n)
		return true;
	path = str_of(path.p + conn->body, path.n - conn->body);
	if (bytes.n < path.n)
		path.n = bytes.n;
	return memcmp(bytes.p, path.p, path.n) == 0;
}

/* Keeps the last bytes of the body so far. */
static void
keep_last(struct conn *conn, struct str bytes)
{
	size_t n = sizeof(conn->last);

	if (bytes.n >= n) {
		memcpy(conn->last, bytes.p + bytes.n - n, n);
		return;
	}
	memmove(conn->last, conn->last + bytes.n, n - bytes.n);
	memcpy(conn->last + n - bytes.n, bytes.p, bytes.n);
}

static void
on_body(struct client *c, struct conn *conn, struct str bytes)
{
	if (c->keys)
		set_key(conn->request, conn->key);
	if (!begins_right(conn, bytes)) {
		fail(c, conn, "the body begins with other bytes");
		return;
	}
	keep_last(conn, bytes);
	conn->body += bytes.n;
	if (conn->body > c->length)
		fail(c, conn, "more bytes than the object has");
	else if (conn->body == c->length)
		end(c, conn);
}

/* Keeps what there is of a head until more comes. */
static void
keep_head(struct client *c, struct conn *conn, struct str bytes)
{
	if (bytes.n > HEAD_BYTES) {
		fail(c, conn, "a head without an end");
		return;
	}
	if (!conn->head)
		conn->head = xmalloc(HEAD_BYTES);
	memcpy(conn->head, bytes.p, bytes.n);
	conn->head_bytes = bytes.n;
}

static void
on_head(struct client *c, struct conn *conn, struct str bytes)
{
	const char *blank = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);

	conn->head_bytes = 0;
	if (!blank) {
		keep_head(c, conn, bytes);
		return;
	}
	struct str head = str_of(bytes.p, (size_t)(blank + 2 - bytes.p));
	if (!str_starts(head, STR("HTTP/1.1 200 "))) {
		fail(c, conn, "another status than 200");
		return;
	}
	if (length_of(head) != c->length) {
		fail(c, conn, "another Content-Length than the object's");
		return;
	}
	conn->phase = BODY;
	if (bytes.n > head.n + 2)
		on_body(c, conn, str_of(blank + 4, bytes.n - head.n - 2));
}

/* Reads what there is; a short read says that this was all. */
static void
on_io(struct client *c, struct conn *conn)
{
	char *in = c->in + HEAD_BYTES;
	ssize_t n = IN_BYTES;

	while (n == IN_BYTES && conn->fd >= 0 && conn->phase != IDLE) {
		n = recv(conn->fd, in, IN_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fail(c, conn, "the connection was closed");
			return;
		}
		struct str bytes = str_of(in, (size_t)n);
		if (conn->phase == BODY) {
			on_body(c, conn, bytes);
			continue;
		}
		bytes.p -= conn->head_bytes;
		bytes.n += conn->head_bytes;
		if (conn->head_bytes)
			memcpy((char *)bytes.p, conn->head, conn->head_bytes);
		on_head(c, conn, bytes);
	}
}

/* --- a line ----------------------------------------------------------------
 */

static void
give_up(struct client *c)
{
	for (unsigned i = 0; i < c->nconns; i++)
		if (c->conns[i].fd >= 0 && c->conns[i].phase != IDLE)
			fail(c, &c->conns[i], "no answer");
}

/* The number of events, or 0 if none has come for long. */
static int
wait_for_events(const struct client *c, struct epoll_event *events)
{
	uint64_t until = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
	int n;

	do
		n = epoll_wait(
			c->epoll, events, EVENTS, c->spin ? 0 : PATIENCE_MS);
	while (n == 0 && c->spin && clock_mono_ns() < until);
	return n;
}

static void
work(struct client *c)
{
	struct epoll_event events[EVENTS];
	unsigned first = c->each && c->nconns > AT_ONCE ? AT_ONCE : c->nconns;

	c->now_ns = clock_mono_ns();
	for (unsigned i = 0; i < first; i++)
		next(c, &c->conns[i]);
	while (c->busy > 0) {
		int n = wait_for_events(c, events);

		for (int i = 0; i < n; i++)
			on_io(c, events[i].data.ptr);
		if (n == 0)
			give_up(c);
	}
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
obey(struct client *c)
{
	double cpu = cpu_s();
	uint64_t start = clock_mono_ns();

	c->begun = c->done = c->errors = 0;
	c->latency_ns = (struct hist){0};
	work(c);
	printf("{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.6f, "
	       "\"p50_us\": %.2f, \"p99_us\": %.2f, \"client_cpu_s\": %.6f}\n",
		(unsigned long long)c->done, (unsigned long long)c->errors,
		(double)(clock_mono_ns() - start) / 1e9,
		(double)hist_quantile(&c->latency_ns, 0.5) / 1e3,
		(double)hist_quantile(&c->latency_ns, 0.99) / 1e3,
		cpu_s() - cpu);
	fflush(stdout);
}

static void
parse_line(struct client *c, const char *line)
{
	unsigned long long n;
	double s;

	c->most = UINT64_MAX;
	c->until_ns = UINT64_MAX;
	c->jump = c->each = false;
	if (sscanf(line, "run %lf", &s) == 1) {
		c->until_ns = clock_mono_ns() + (uint64_t)(s * 1e9);
		c->jump = true;
	} else if (sscanf(line, "count %llu", &n) == 1) {
		c->most = n;
	} else if (!strcmp(line, "each\n")) {
		c->most = c->nconns;
		c->each = true;
	} else {
		errx(2, "no line to obey: %s", line);
	}
}

static void
obey_lines(struct client *c)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		parse_line(c, line);
		obey(c);
	}
}

/* --- the start -------------------------------------------------------------
 */

static int
connect_one(const struct client *c)
{
	struct in_addr any = {.s_addr = htonl(INADDR_ANY)};
	int fd = sock_connect(any, c->addr, c->port);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (fd < 0)
		errx(1, "connect: %s", strerror(-fd));
	if (poll(&p, 1, PATIENCE_MS) != 1 || sock_error(fd) < 0)
		errx(1, "no connection to port %u", c->port);
	return fd;
}

static void
connect_all(struct client *c)
{
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->conns = xcalloc(c->nconns, sizeof(*c->conns));
	for (unsigned i = 0; i < c->nconns; i++) {
		struct conn *conn = &c->conns[i];
		struct epoll_event ev = {
			.events = EPOLLIN | EPOLLET, .data.ptr = conn};

		conn->fd = connect_one(c);
		if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, conn->fd, &ev) < 0)
			err(1, "epoll");
	}
}

_Noreturn static void
usage(void)
{
	errx(2,
		"usage: client [--connections N] [--length N] [--keys N] "
		"[--spin] "
		"ADDRESS PORT PATH...");
}

static uint64_t
number(const char *text, uint64_t most)
{
	uint64_t n;

	if (str_u64(str_z(text), most, &n) < 0)
		usage();
	return n;
}

static void
parse_options(struct client *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"connections", required_argument, NULL, 'c'},
		{"length", required_argument, NULL, 'l'},
		{"keys", required_argument, NULL, 'k'},
		{"spin", no_argument, NULL, 's'},
		{0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'c': c->nconns = (unsigned)number(optarg, 100000); break;
		case 'l': c->length = (size_t)number(optarg, 1 << 30); break;
		case 'k': c->keys = number(optarg, 9999999); break;
		case 's': c->spin = true; break;
		default: usage();
		}
	if (argc - optind < 3 || inet_aton(argv[optind], &c->addr) == 0)
		usage();
	c->port = (uint16_t)number(argv[optind + 1], 65535);
	c->nrequests = (unsigned)(argc - optind - 2);
	if (c->keys > 0 && c->nrequests != 1)
		usage();
}

int
main(int argc, char **argv)
{
	static struct client c = {.nconns = 64, .length = 1024};

	parse_options(&c, argc, argv);
	c.in = xmalloc(HEAD_BYTES + IN_BYTES);
	c.requests = xcalloc(c.nrequests, sizeof(*c.requests));
	for (unsigned i = 0; i < c.nrequests; i++)
		make_request(&c, &c.requests[i],
			argv[argc - (int)c.nrequests + (int)i]);
	connect_all(&c);
	puts("ready");
	fflush(stdout);
	obey_lines(&c);
}
