/* One question, one answer, on a socket of its own: asked at start only. */
#include "l4/route.h"

#include "l4/addr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

static void
own_socket_(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

#define own_socket __attribute__((cleanup(own_socket_)))

static int
on_attr(const struct nlattr *a, void *ctx)
{
	struct route *r = ctx;
	size_t n = mnl_attr_get_payload_len(a);
	const void *p = mnl_attr_get_payload(a);
	int family = n == 4 ? AF_INET : AF_INET6;

	switch (mnl_attr_get_type(a)) {
	case RTA_OIF: r->ifindex = (int)mnl_attr_get_u32(a); break;
	case RTA_PREFSRC: (void)addr_from(family, p, n, &r->source); break;
	case RTA_GATEWAY:
		r->on_link = false;
		(void)addr_from(family, p, n, &r->via);
		break;
	case RTA_VIA:
		r->on_link = false;
		if (n >= sizeof(struct rtvia) + 4)
			(void)addr_from(((const struct rtvia *)p)->rtvia_family,
				((const struct rtvia *)p)->rtvia_addr,
				n - sizeof(struct rtvia), &r->via);
		break;
	}
	return MNL_CB_OK;
}

static int
on_route(const struct nlmsghdr *h, void *ctx)
{
	struct route *out = ctx;
	const struct rtmsg *r = mnl_nlmsg_get_payload(h);

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	out->on_link = true;
	out->local = r->rtm_type == RTN_LOCAL;
	return mnl_attr_parse(h, sizeof(*r), on_attr, out);
}

int
route_get(const union l4_addr *addr, struct route *out)
{
	own_socket struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);
	char buf[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	struct route found = {.via = *addr};
	ssize_t n;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	r->rtm_family = addr_family(addr);
	r->rtm_dst_len = (unsigned char)(8 * addr_bytes(addr));
	mnl_attr_put(h, RTA_DST, addr_bytes(addr), addr_start(addr));
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(s, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	if (mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(s), on_route,
		    &found) < 0)
		return -errno;
	*out = found;
	return 0;
}
