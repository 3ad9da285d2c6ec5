#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/addr.h"
#include "l4/neigh.h"
#include "l4/test_netns.h"

#include <netinet/in.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>

static const uint8_t mac_1[ETH_ALEN] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac_2[ETH_ALEN] = {2, 0, 0, 0, 0, 2};

struct spec {
	uint16_t type, state;
	uint8_t family;
	uint16_t dst_bytes, mac_bytes;
};

static bool
parse(const struct spec *s, struct neigh_entry *e)
{
	char buf[256] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(h, sizeof(*nd));
	uint8_t addr[16] = {10, 0, 0, 2}, mac[32] = {2, 0, 0, 0, 0, 1};

	h->nlmsg_type = s->type;
	nd->ndm_family = s->family;
	nd->ndm_ifindex = 7;
	nd->ndm_state = s->state;
	if (s->dst_bytes)
		mnl_attr_put(h, NDA_DST, s->dst_bytes, addr);
	if (s->mac_bytes)
		mnl_attr_put(h, NDA_LLADDR, s->mac_bytes, mac);
	return neigh_parse(h, e);
}

static void
test_parse(void **state)
{
	static const struct {
		struct spec spec;
		bool entry, resolved, fixed;
	} rows[] = {
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, 4, 6}, true, true},
		{{RTM_NEWNEIGH, NUD_STALE, AF_INET, 4, 6}, true, true},
		{{RTM_NEWNEIGH, NUD_PROBE, AF_INET, 4, 6}, true, true},
		{{RTM_NEWNEIGH, NUD_PERMANENT, AF_INET, 4, 6}, true, true,
			true},
		{{RTM_NEWNEIGH, NUD_NOARP, AF_INET, 4, 6}, true, true, true},
		{{RTM_NEWNEIGH, NUD_FAILED, AF_INET, 4, 6}, true, false},
		{{RTM_NEWNEIGH, NUD_INCOMPLETE, AF_INET, 4, 0}, true, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, 4, 0}, true, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, 4, 20}, true, false},
		{{RTM_DELNEIGH, NUD_REACHABLE, AF_INET, 4, 6}, true, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET6, 16, 6}, true, true},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET6, 4, 6}, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_BRIDGE, 4, 6}, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, 16, 6}, false},
		{{RTM_NEWNEIGH, NUD_REACHABLE, AF_INET, 0, 6}, false},
		{{RTM_NEWLINK, NUD_REACHABLE, AF_INET, 4, 6}, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct neigh_entry e = {.ifindex = -1};

		assert_int_equal(parse(&rows[i].spec, &e), rows[i].entry);
		if (!rows[i].entry) {
			assert_int_equal(e.ifindex, -1); /* untouched */
			continue;
		}
		assert_int_equal(e.ifindex, 7);
		assert_string_equal(addr_text(&e.addr).z,
			rows[i].spec.family == AF_INET ? "10.0.0.2"
						       : "a00:2::");
		assert_int_equal(e.resolved, rows[i].resolved);
		assert_int_equal(e.fixed, rows[i].fixed);
		assert_int_equal(
			e.pending, rows[i].spec.state == NUD_INCOMPLETE);
		if (e.resolved)
			assert_memory_equal(e.mac, mac_1, ETH_ALEN);
	}
}

/* A message shorter than its own header says. */
static void
test_parse_short(void **state)
{
	char buf[256] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct neigh_entry e;

	h->nlmsg_type = RTM_NEWNEIGH;
	assert_false(neigh_parse(h, &e));
}

struct seen {
	unsigned n;
	struct neigh_entry last;
};

static void
on_entry(void *ctx, const struct neigh_entry *e)
{
	struct seen *s = ctx;

	s->n++;
	s->last = *e;
}

/* The next entry that comes; false when none does. */
static bool
next(struct neigh *n, struct seen *s)
{
	struct pollfd p = {neigh_fd(n), POLLIN, 0};

	s->n = 0;
	(void)poll(&p, 1, 300);
	neigh_run(n);
	return s->n > 0;
}

static void
test_live(void **state)
{
	union l4_addr addr;
	struct seen seen = {0};
	struct neigh *n = NULL;

	if (!test_netns())
		skip();
	assert_true(addr_parse("10.0.0.2", &addr));
	assert_int_equal(test_veth(), 0);
	assert_int_equal(
		neigh_open((int)if_nametoindex("va"), on_entry, &seen, &n), 0);
	assert_int_equal(neigh_ask(n, &addr), 0);
	assert_false(next(n, &seen)); /* there is none yet */

	/* told unasked */
	assert_int_equal(system("ip neigh add 10.0.0.2 lladdr "
				"02:00:00:00:00:01 dev va nud reachable"),
		0);
	assert_true(next(n, &seen));
	assert_true(seen.last.resolved && !seen.last.fixed);
	assert_memory_equal(seen.last.mac, mac_1, ETH_ALEN);

	/* a changed MAC, unasked and asked */
	assert_int_equal(system("ip neigh replace 10.0.0.2 lladdr "
				"02:00:00:00:00:02 dev va nud permanent"),
		0);
	assert_true(next(n, &seen));
	assert_memory_equal(seen.last.mac, mac_2, ETH_ALEN);
	assert_int_equal(neigh_ask(n, &addr), 0);
	assert_true(next(n, &seen));
	assert_true(seen.last.resolved && seen.last.fixed);
	assert_memory_equal(seen.last.mac, mac_2, ETH_ALEN);

	/* another interface's neighbours are not ours */
	assert_int_equal(system("ip neigh add 10.0.0.2 lladdr "
				"02:00:00:00:00:01 dev vb nud reachable"),
		0);
	assert_false(next(n, &seen));

	assert_int_equal(neigh_forget(n, &addr), 0);
	assert_true(next(n, &seen));
	assert_false(seen.last.resolved);
	neigh_close(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_short),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
