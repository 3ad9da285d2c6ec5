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

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void
read_name(const union address *a, struct in6_addr *addr, uint16_t *port)
{
	bool v6 = a->any.sa_family == AF_INET6;

	*addr = v6 ? a->v6.sin6_addr : addr_mapped(a->v4.sin_addr);
	*port = ntohs(v6 ? a->v6.sin6_port : a->v4.sin_port);
}

int
repair_names(int fd, struct snapshot *s)
{
	union address a = {0};
	socklen_t n = sizeof(a);

	if (getpeername(fd, &a.any, &n) < 0)
		return -errno;
	read_name(&a, &s->client, &s->client_port);
	n = sizeof(a);
	if (getsockname(fd, &a.any, &n) < 0)
		return -errno;
	read_name(&a, &s->local, &s->local_port);
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

/* What the kernel would send with after such a pause (RFC 9293, 3.8.6.2.2;
 * tcp_cwnd_restart()), when it last sent: it works that out at the next sending
 * only. */
static uint32_t
window_after_pause(const struct tcp_info *i)
{
	uint64_t pause_us = UINT64_C(1000) * i->tcpi_last_data_sent;
	uint32_t cwnd = i->tcpi_snd_cwnd;

	if (!i->tcpi_rto)
		return cwnd;
	for (; pause_us > i->tcpi_rto && cwnd > REPAIR_INITIAL_WINDOW;
		pause_us -= i->tcpi_rto)
		cwnd = cwnd / 2 > REPAIR_INITIAL_WINDOW ? cwnd / 2
							: REPAIR_INITIAL_WINDOW;
	return cwnd;
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
	s->cwnd = window_after_pause(&info);
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

static socklen_t
write_name(const struct in6_addr *addr, uint16_t port, union address *out)
{
	if (addr_is_v4(addr)) {
		out->v4 = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_addr = addr_v4(addr),
			.sin_port = htons(port)};
		return sizeof(out->v4);
	}
	out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
		.sin6_addr = *addr,
		.sin6_port = htons(port)};
	return sizeof(out->v6);
}

static int
set_names(int fd, const struct snapshot *s)
{
	union address local, client;
	socklen_t n = write_name(&s->local, s->local_port, &local);
	int r;

	(void)write_name(&s->client, s->client_port, &client);
	if (bind(fd, &local.any, n) < 0)
		return -errno;
	r = set_seq(fd, SEND_QUEUE, s->snd_nxt);
	if (r == 0)
		r = set_seq(fd, RECV_QUEUE, s->rcv_nxt);
	if (r < 0)
		return r;
	/* Established at once, and nothing is sent. */
	return connect(fd, &client.any, n) < 0 ? -errno : 0;
}

/* The segment size was worked out at connect, from what was known then: to have
 * no options of IP has it done again. */
static int
work_out_mss(int fd, const struct snapshot *s)
{
	int r = addr_is_v4(&s->local)
		? setsockopt(fd, IPPROTO_IP, IP_OPTIONS, "", 0)
		: setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, NULL, 0);

	return r < 0 ? -errno : 0;
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
	if (r == 0)
		r = work_out_mss(fd, s);
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
	int family = addr_is_v4(&s->local) ? AF_INET : AF_INET6;
	own_fd int fd =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
	/* It took it away; without it nobody could listen on the port anew. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return set_int(fd, TCP_NODELAY, 1);
}

int
repair_permitted(void)
{
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : set_int(fd, TCP_REPAIR, TCP_REPAIR_ON);
}
