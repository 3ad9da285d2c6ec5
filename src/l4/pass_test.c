#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "l4/balancer.h"
#include "l4/pass.h"
#include "l4/test_frame.h"
#include "l4/test_netns.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <unistd.h>

static uint32_t
program_on(int ifindex)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id(ifindex, XDP_FLAGS_DRV_MODE, &id), 0);
	return id;
}

static void
test_pass(void **state)
{
	int b = (int)if_nametoindex("vb");
	struct frame in = {.n = 60, .b = {1, 2, 3}}, out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.b,
		.data_size_in = (uint32_t)in.n, .data_out = out.b,
		.data_size_out = sizeof(out.b));
	int fd;

	assert_int_equal(program_on(b), 0);
	assert_int_equal(l4_pass_attach(b), 0);
	assert_int_equal(l4_pass_attach(b), 0);
	fd = bpf_prog_get_fd_by_id(program_on(b));
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	assert_int_equal(opts.retval, XDP_PASS);
	assert_int_equal(opts.data_size_out, in.n);
	assert_memory_equal(in.b, out.b, in.n);
	assert_int_equal(l4_pass_detach(b), 0);
	assert_int_equal(program_on(b), 0);
	assert_int_equal(
		l4_pass_attach((int)if_nametoindex("lo")), -EOPNOTSUPP);
	assert_int_equal(l4_pass_attach(9999), -ENODEV);
}

/* The balancer's program is there as long as its holder, and not more. */
static void
test_balancer_attach(void **state)
{
	struct balancer_config config = {.nodes = 1, .flows_max = 16};
	int a = (int)if_nametoindex("va"), lo = (int)if_nametoindex("lo");
	struct balancer *first = NULL, *second = NULL;

	assert_int_equal(balancer_open(&config, &first), 0);
	assert_int_equal(balancer_open(&config, &second), 0);
	assert_int_equal(balancer_attach(first, a, BALANCER_AUTO), 0);
	assert_string_equal(balancer_mode(first), "native");
	assert_int_not_equal(program_on(a), 0);
	assert_int_equal(balancer_attach(second, a, BALANCER_AUTO), -EBUSY);
	assert_string_equal(balancer_mode(second), "none");
	balancer_close(first);
	assert_int_equal(program_on(a), 0);
	/* lo has no native mode */
	assert_int_equal(
		balancer_attach(second, lo, BALANCER_NATIVE), -EOPNOTSUPP);
	assert_int_equal(balancer_attach(second, lo, BALANCER_AUTO), 0);
	assert_string_equal(balancer_mode(second), "generic");
	balancer_close(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_balancer_attach),
	};

	if (!balancer_permitted()) {
		puts("SKIP: needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
		return 77;
	}
	if (!test_netns())
		return 77;
	if (test_veth())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
