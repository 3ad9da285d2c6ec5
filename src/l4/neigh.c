#include "l4/neigh.h"

#include "base/mem.h"
#include "l4/addr.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Large enough for whatever the kernel puts into one datagram. */
#define NEIGH_READ_BYTES 16384

/* States in which the kernel itself would use the address. */
#define NEIGH_VALID                                                          \
	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | \
		NUD_NOARP)

struct neigh {
	struct mnl_socket *socket; /* owned */
	int ifindex;
	neigh_fn on_entry;
	void *ctx; /* borrowed */
};

static int
neigh_setup(struct neigh *n)
{
	int group = RTNLGRP_NEIGH, fd;

	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->socket)
		return -errno;
	fd = mnl_socket_get_fd(n->socket);
	if (mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_setsockopt(n->socket, NETLINK_ADD_MEMBERSHIP, &group,
			sizeof(group)) < 0 ||
		fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
neigh_open(int ifindex, neigh_fn on_entry, void *ctx, struct neigh **out)
{
	struct neigh *n = NEW(struct neigh);
	int err;

	n->ifindex = ifindex;
	n->on_entry = on_entry;
	n->ctx = ctx;
	err = neigh_setup(n);
	if (err) {
		neigh_close(n);
		return err;
	}
	*out = n;
	return 0;
}

void
neigh_close(struct neigh *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

int
neigh_fd(const struct neigh *n)
{
	return mnl_socket_get_fd(n->socket);
}

struct neigh_attrs {
	const struct nlattr *dst, *mac; /* borrowed: message */
};

static int
on_attr(const struct nlattr *a, void *ctx)
{
	struct neigh_attrs *attrs = ctx;

	if (mnl_attr_get_type(a) == NDA_DST)
		attrs->dst = a;
	if (mnl_attr_get_type(a) == NDA_LLADDR &&
		mnl_attr_get_payload_len(a) == ETH_ALEN)
		attrs->mac = a;
	return MNL_CB_OK;
}

bool
neigh_parse(const struct nlmsghdr *h, struct neigh_entry *out)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct neigh_attrs attrs = {0};
	union l4_addr addr;

	if (h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH)
		return false;
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*nd))
		return false;
	(void)mnl_attr_parse(h, sizeof(*nd), on_attr, &attrs);
	if (!attrs.dst ||
		!addr_from(nd->ndm_family, mnl_attr_get_payload(attrs.dst),
			mnl_attr_get_payload_len(attrs.dst), &addr))
		return false;
	*out = (struct neigh_entry){.ifindex = nd->ndm_ifindex, .addr = addr};
	if (attrs.mac)
		memcpy(out->mac, mnl_attr_get_payload(attrs.mac), ETH_ALEN);
	out->resolved = attrs.mac && h->nlmsg_type == RTM_NEWNEIGH &&
		(nd->ndm_state & NEIGH_VALID);
	out->pending = h->nlmsg_type == RTM_NEWNEIGH &&
		(nd->ndm_state & NUD_INCOMPLETE);
	out->fixed = nd->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	return true;
}

static int
on_message(const struct nlmsghdr *h, void *ctx)
{
	struct neigh *n = ctx;
	struct neigh_entry e;

	if (neigh_parse(h, &e) && e.ifindex == n->ifindex)
		n->on_entry(n->ctx, &e);
	return MNL_CB_OK;
}

void
neigh_run(struct neigh *n)
{
	char buf[NEIGH_READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t len;

	/* Messages lost for want of room (ENOBUFS) do not matter: the owner
	 * asks again with its next health check. Nor do errors: they say
	 * that there is no such entry. */
	while ((len = mnl_socket_recvfrom(n->socket, buf, sizeof(buf))) > 0 ||
		(len < 0 && (errno == ENOBUFS || errno == EINTR)))
		if (len > 0)
			(void)mnl_cb_run(buf, (size_t)len, 0, 0, on_message, n);
}

static int
neigh_send(struct neigh *n, uint16_t type, uint16_t flags, uint8_t how,
	const union l4_addr *addr)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(h, sizeof(*nd));

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	nd->ndm_family = addr_family(addr);
	nd->ndm_ifindex = n->ifindex;
	nd->ndm_flags = how;
	mnl_attr_put(h, NDA_DST, addr_bytes(addr), addr_start(addr));
	return mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0 ? -errno : 0;
}

int
neigh_ask(struct neigh *n, const union l4_addr *addr)
{
	return neigh_send(n, RTM_GETNEIGH, 0, 0, addr);
}

int
neigh_use(struct neigh *n, const union l4_addr *addr)
{
	return neigh_send(n, RTM_NEWNEIGH, NLM_F_CREATE, NTF_USE, addr);
}

int
neigh_forget(struct neigh *n, const union l4_addr *addr)
{
	return neigh_send(n, RTM_DELNEIGH, 0, 0, addr);
}
