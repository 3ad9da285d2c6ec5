/* At which hook it is steered: XDP where that can be had, else tc. */
#include "handoff/hook.h"
#include "handoff/test_net.h"

static bool
is_at(enum hook hook)
{
	own_fd int prog = hook_find(hook, if_nametoindex("va"));

	return prog >= 0;
}

/* Also at another hook; and there is never more than one of them. */
static void
test_change_hook(void **state)
{
	(void)state;
	need_steer();
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	for (int i = 0; i < 2; i++) {
		xdp = !xdp;
		reopen();
		assert_int_equal(steer_xdp(steer), xdp ? 0 : -ENOENT);
		assert_int_equal(is_at(HOOK_XDP), xdp);
		assert_int_equal(is_at(HOOK_TC), !xdp);
		arrives(64);
		assert_true(is_passed_on());
		assert_false(is_passed_on());
	}
	/* And none, when there is nothing to steer. */
	steer_ours(steer, &key, NULL);
	steer_close(steer);
	steer = NULL;
	assert_false(is_at(HOOK_XDP) || is_at(HOOK_TC));
	assert_int_equal(try_open(), 0);
}

/* Not as long as someone else's program is there. */
static void
test_taken(void **state)
{
	(void)state;
	need_steer();
	steer_close(steer);
	steer = NULL;
	assert_int_equal(put_pass("va"), 0);
	assert_int_equal(try_open(), 0);
	assert_int_equal(steer_xdp(steer), -EBUSY);
	assert_true(is_at(HOOK_TC));
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	arrives(64);
	assert_true(is_passed_on());
	steer_ours(steer, &key, NULL);
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("va"),
				 XDP_FLAGS_DRV_MODE, NULL),
		0);
	reopen();
	assert_int_equal(steer_xdp(steer), 0);
}

/* A node whose address the kernel has to ask for first. */
static void
test_unknown_node(void **state)
{
	(void)state;
	need_steer();
	assert_int_equal(system("ip neigh del 10.0.0.2 dev va"), 0);
	assert_int_equal(steer_forward(steer, &given, other()), 0);
	assert_int_equal(
		system("ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev va"),
		0);
	arrives(64);
	assert_false(is_passed_on());
	settle();
	assert_true(is_passed_on());
	steer_ours(steer, &key, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change_hook),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_unknown_node),
	};

	return cmocka_run_group_tests(tests, begin_xdp, end);
}
