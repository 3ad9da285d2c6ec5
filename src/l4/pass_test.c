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
#include <sched.h>
#include <sys/mount.h>
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

static struct balancer *
open_on(const char *interface, const char *pin)
{
	struct balancer_config config = {
		.ifindex = if_nametoindex(interface), .flows = 16, .pin = pin};
	struct balancer *b = NULL;

	assert_int_equal(balancer_open(&config, &b), 0);
	return b;
}

/* The balancer's program is there as long as its holder, and not more. */
static void
test_balancer_attach(void **state)
{
	struct balancer *first = open_on("va", NULL);
	struct balancer *second = open_on("va", NULL);
	int a = (int)if_nametoindex("va");

	assert_int_equal(balancer_attach(first, BALANCER_AUTO), 0);
	assert_string_equal(balancer_mode(first), "native");
	assert_int_not_equal(program_on(a), 0);
	assert_int_equal(balancer_attach(second, BALANCER_AUTO), -EBUSY);
	assert_string_equal(balancer_mode(second), "none");
	balancer_close(second);
	balancer_close(first);
	assert_int_equal(program_on(a), 0);
	/* lo has no native mode */
	first = open_on("lo", NULL);
	assert_int_equal(balancer_attach(first, BALANCER_NATIVE), -EOPNOTSUPP);
	assert_int_equal(balancer_attach(first, BALANCER_AUTO), 0);
	assert_string_equal(balancer_mode(first), "generic");
	balancer_close(first);
}

/* ... unless it's pinned: then it stays, with its maps, and the next holder
 * puts its own in its place. */
static void
test_balancer_pinned(void **state)
{
	char root[] = "/tmp/sevenfold-pin-XXXXXX", pin[64];
	int a = (int)if_nametoindex("va"), was;
	struct balancer *b;

	assert_non_null(mkdtemp(root));
	snprintf(pin, sizeof(pin), "%s/x/y", root);
	if (unshare(CLONE_NEWNS) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("bpf", root, "bpf", 0, NULL)) {
		puts("SKIP: can't mount a BPF file system");
		rmdir(root);
		skip();
	}
	b = open_on("va", pin);
	assert_false(balancer_resumed(b));
	balancer_image(b)->turns[7].last = 4711;
	assert_int_equal(balancer_attach(b, BALANCER_AUTO), 0);
	balancer_close(b);
	was = (int)program_on(a);
	assert_int_not_equal(was, 0);

	b = open_on("va", pin);
	assert_true(balancer_resumed(b));
	assert_int_equal(balancer_image(b)->turns[7].last, 4711);
	assert_int_equal(program_on(a), was);
	assert_int_equal(balancer_attach(b, BALANCER_AUTO), 0);
	assert_string_equal(balancer_mode(b), "native");
	assert_int_not_equal(program_on(a), was);
	balancer_unpin(b);
	assert_int_not_equal(program_on(a), 0);
	balancer_close(b);
	assert_int_equal(program_on(a), 0);
	assert_int_equal(umount(root), 0);
	rmdir(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_balancer_attach),
		cmocka_unit_test(test_balancer_pinned),
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
