#include "handoff/repair.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

/* Of the kernel, whose headers do not name them. */
enum { NO_QUEUE, RECV_QUEUE, SEND_QUEUE };

static int
set(int fd, int option, const void *p, size_t n)
{
	return setsockopt(fd, IPPROTO_TCP, option, p, (socklen_t)n) < 0 ? -errno
									: 0;
}

static int
set_int(int fd, int option, int v)
{
	return set(fd, option, &v, sizeof(v));
}

static int
get(int fd, int option, void *p, size_t n)
{
	socklen_t got = (socklen_t)n;

	return getsockopt(fd, IPPROTO_TCP, option, p, &got) < 0 ? -errno : 0;
}

int
repair_names(int fd, struct snapshot *s)
{
	struct sockaddr_in a = {0};
	socklen_t n = sizeof(a);

	if (getpeername(fd, (struct sockaddr *)&a, &n) < 0)
		return -errno;
	s->client = a.sin_addr;
	s->client_port = ntohs(a.sin_port);
	n = sizeof(a);
	if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return -errno;
	s->local = a.sin_addr;
	s->local_port = ntohs(a.sin_port);
	return 0;
}

static int
get_seq(int fd, int queue, uint32_t *seq)
{
	int r = set_int(fd, TCP_REPAIR_QUEUE, queue);

	return r < 0 ? r : get(fd, TCP_QUEUE_SEQ, seq, sizeof(*seq));
}

static int
queue_is_empty(int fd, unsigned long request)
{
	int n = 0;

	return ioctl(fd, request, &n) < 0 ? -errno : n == 0;
}

/* In both directions, and in the end the connection's state: a FIN that came
 * before that is seen here. */
static int
get_rest(int fd, struct snapshot *s)
{
	struct tcp_info info = {0};
	int r = queue_is_empty(fd, SIOCINQ);

	if (r <= 0)
		return r < 0 ? r : REPAIR_UNREAD;
	r = get_seq(fd, RECV_QUEUE, &s->rcv_nxt);
	if (r == 0)
		r = get(fd, TCP_INFO, &info, sizeof(info));
	if (r < 0)
		return r;
	if (info.tcpi_state != TCP_ESTABLISHED)
		return REPAIR_STATE;
	s->sack = info.tcpi_options & TCPI_OPT_SACK;
	s->timestamps = info.tcpi_options & TCPI_OPT_TIMESTAMPS;
	s->wscale_ok = info.tcpi_options & TCPI_OPT_WSCALE;
	s->snd_wscale = info.tcpi_snd_wscale;
	s->rcv_wscale = info.tcpi_rcv_wscale;
	s->cwnd = info.tcpi_snd_cwnd;
	s->rtt_us = info.tcpi_rtt;
	return REPAIR_DONE;
}

static int
get_all(int fd, struct snapshot *s)
{
	struct tcp_repair_window w = {0};
	int mss = 0, r;

	/* In repair this is what the client's SYN allowed. */
	r = get(fd, TCP_MAXSEG, &mss, sizeof(mss));
	if (r == 0)
		r = get(fd, TCP_TIMESTAMP, &s->clock, sizeof(s->clock));
	if (r == 0)
		r = get_seq(fd, SEND_QUEUE, &s->snd_nxt);
	if (r == 0)
		r = get(fd, TCP_REPAIR_WINDOW, &w, sizeof(w));
	if (r < 0)
		return r;
	s->mss = (uint16_t)mss;
	s->snd_wl1 = w.snd_wl1;
	s->snd_wnd = w.snd_wnd;
	s->max_window = w.max_window;
	s->rcv_wnd = w.rcv_wnd;
	s->rcv_wup = w.rcv_wup;
	return get_rest(fd, s);
}

static void
leave(int fd)
{
	(void)set_int(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
}

int
repair_take(int fd, struct snapshot *s)
{
	struct snapshot taken = *s;
	int r = queue_is_empty(fd, SIOCOUTQ);

	if (r <= 0)
		return r < 0 ? r : REPAIR_UNSENT;
	r = set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);
	if (r < 0)
		return r;
	r = get_all(fd, &taken);
	leave(fd);
	if (r == REPAIR_DONE)
		*s = taken;
	return r;
}

static int
forget(int fd)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	return connect(fd, &nobody, sizeof(nobody)) < 0 ? -errno : 0;
}

int
repair_part(int fd, const struct snapshot *s)
{
	uint32_t rcv_nxt;
	int r = set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);

	if (r < 0)
		return r;
	r = get_seq(fd, RECV_QUEUE, &rcv_nxt);
	if (r == 0 && rcv_nxt != s->rcv_nxt)
		r = REPAIR_MOVED;
	if (r == REPAIR_DONE)
		r = forget(fd);
	if (r != REPAIR_DONE) {
		leave(fd);
		return r;
	}
	/* It may have come since. */
	r = get(fd, TCP_QUEUE_SEQ, &rcv_nxt, sizeof(rcv_nxt));
	return r == 0 && rcv_nxt == s->rcv_nxt ? REPAIR_DONE : REPAIR_LOST;
}

/* --- and together again --------------------------------------------------- */

static int
set_seq(int fd, int queue, uint32_t seq)
{
	int r = set_int(fd, TCP_REPAIR_QUEUE, queue);

	return r < 0 ? r : set(fd, TCP_QUEUE_SEQ, &seq, sizeof(seq));
}

static int
set_names(int fd, const struct snapshot *s)
{
	struct sockaddr_in local = {.sin_family = AF_INET,
		.sin_addr = s->local,
		.sin_port = htons(s->local_port)};
	struct sockaddr_in client = {.sin_family = AF_INET,
		.sin_addr = s->client,
		.sin_port = htons(s->client_port)};
	int r;

	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		return -errno;
	r = set_seq(fd, SEND_QUEUE, s->snd_nxt);
	if (r == 0)
		r = set_seq(fd, RECV_QUEUE, s->rcv_nxt);
	if (r < 0)
		return r;
	/* Established at once, and nothing is sent. */
	return connect(fd, (struct sockaddr *)&client, sizeof(client)) < 0
		? -errno
		: 0;
}

static int
set_options(int fd, const struct snapshot *s)
{
	struct tcp_repair_opt o[4];
	unsigned n = 0;
	int r;

	if (s->sack)
		o[n++] = (struct tcp_repair_opt){TCPOPT_SACK_PERMITTED, 0};
	if (s->wscale_ok)
		o[n++] = (struct tcp_repair_opt){TCPOPT_WINDOW,
			s->snd_wscale | (uint32_t)s->rcv_wscale << 16};
	if (s->timestamps)
		o[n++] = (struct tcp_repair_opt){TCPOPT_TIMESTAMP, 0};
	o[n++] = (struct tcp_repair_opt){TCPOPT_MAXSEG, s->mss};
	r = set(fd, TCP_REPAIR_OPTIONS, o, n * sizeof(o[0]));
	/* The segment size was worked out at connect, from what was known then:
	 * this has it done again. */
	if (r == 0 && setsockopt(fd, IPPROTO_IP, IP_OPTIONS, "", 0) < 0)
		r = -errno;
	if (r == 0 && s->timestamps)
		r = set(fd, TCP_TIMESTAMP, &s->clock, sizeof(s->clock));
	return r;
}

static int
set_window(int fd, const struct snapshot *s)
{
	struct tcp_repair_window w = {
		.snd_wl1 = s->snd_wl1,
		.snd_wnd = s->snd_wnd,
		.max_window = s->max_window,
		.rcv_wnd = s->rcv_wnd,
		.rcv_wup = s->rcv_wup,
	};

	return set(fd, TCP_REPAIR_WINDOW, &w, sizeof(w));
}

int
repair_make(const struct snapshot *s, int *out)
{
	own_fd int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);
	if (r == 0)
		r = set_names(fd, s);
	if (r == 0)
		r = set_options(fd, s);
	if (r == 0)
		r = set_window(fd, s);
	if (r < 0)
		return r;
	*out = take_fd(&fd);
	return 0;
}

int
repair_finish(int fd)
{
	int one = 1, r = set_int(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);

	if (r < 0)
		return r;
	/* It took these away; without them nobody could listen on the port
	 * anew. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	return set_int(fd, TCP_NODELAY, 1);
}

int
repair_permitted(void)
{
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);
}
