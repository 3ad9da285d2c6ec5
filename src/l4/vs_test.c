/* `sevenfold vs`: what it understands, prints, saves and restores. The same
 * words are compared with ipvsadm's and Linux's by tests/ipvs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/own.h"
#include "l4/control.h"
#include "l4/test_rig.h"
#include "l4/vs.h"
#include "l4/xdp.h"

static struct l4_image image;
static struct control *control;
static struct xdp *xdp;
static struct buf out, err;

static int
start(void **state)
{
	struct control_config config = {.assume = true};

	l4_image_init(&image, 1024);
	l4_image_start(&image);
	memcpy(image.ctl->mac, frame_own, ETH_ALEN);
	xdp = xdp_new(&image, false);
	config.driver = xdp_driver(xdp);
	return control_open(&config, &control);
}

static int
stop(void **state)
{
	control_close(control);
	xdp_free(xdp);
	l4_image_fini(&image);
	buf_fini(&out);
	buf_fini(&err);
	return 0;
}

/* Words are apart by one blank. */
static int
vs_with(const char *args, const char *input)
{
	own_free char *line = strdup(args);
	char name[] = "vs", *argv[64] = {name}, *save = NULL;
	int argc = 1;

	for (char *w = strtok_r(line, " ", &save); w;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	buf_fini(&out);
	buf_fini(&err);
	out = err = (struct buf){0};
	return vs_run(control, argc, argv, str_z(input), &out, &err);
}

static int
vs(const char *args)
{
	return vs_with(args, "");
}

static void
expect(const char *args, const char *want)
{
	assert_int_equal(vs(args), 0);
	buf_append(&out, "", 1);
	assert_string_equal(buf_head(&out), want);
}

static const char *
saved(void)
{
	assert_int_equal(vs("-S -n"), 0);
	buf_append(&out, "", 1);
	return buf_head(&out);
}

static const char all[] =
	"--set 800 60 30\n"
	"-A -t 192.0.2.10:80 -s wrr\n"
	"-a -t 192.0.2.10:80 -r 10.0.0.11:80 -g -w 5 -x 100 -y 50\n"
	"-a -t 192.0.2.10:80 -r 10.0.0.12:80 -i -w 1 --tun-type gue --tun-port "
	"6080 --tun-nocsum\n"
	"-A -t 192.0.2.10:443 -s rr -p 600 -M 255.255.255.0\n"
	"-a -t 192.0.2.10:443 -r 10.0.0.11:8443 -m -w 1\n"
	"-A -u 192.0.2.10:53 -s sh -o -b sh-fallback,sh-port\n"
	"-a -u 192.0.2.10:53 -r 10.0.0.11:53 -i -w 1 --tun-type ipip\n"
	"-A -t [2001:db8::80]:80 -s mh -b mh-port\n"
	"-a -t [2001:db8::80]:80 -r [2001:db8::a]:80 -g -w 100\n"
	"-A -f 7 -s wlc -p 360\n"
	"--add-end -f 7 -t 192.0.2.11:80\n"
	"--add-end -f 7 -t 192.0.2.11:443\n"
	"-a -f 7 -r 10.0.0.11:0 -g -w 1\n";

static void
test_layouts(void **state)
{
	assert_int_equal(vs_with("-R", all), 0);
	expect("-L -n",
		"IP Virtual Server version 1.2.1 (size=1024)\n"
		"Prot LocalAddress:Port Scheduler Flags\n"
		"  -> RemoteAddress:Port           Forward Weight ActiveConn "
		"InActConn\n"
		"TCP  192.0.2.10:80 wrr\n"
		"  -> 10.0.0.11:80                 Route   5      0          "
		"0         \n"
		"  -> 10.0.0.12:80                 Tunnel  1      0          "
		"0         \n"
		"TCP  192.0.2.10:443 rr persistent 600 mask 255.255.255.0\n"
		"  -> 10.0.0.11:8443               Masq    1      0          "
		"0         \n"
		"UDP  192.0.2.10:53 sh (sh-fallback,sh-port) ops\n"
		"  -> 10.0.0.11:53                 Tunnel  1      0          "
		"0         \n"
		"TCP  [2001:db8::80]:80 mh (mh-port)\n"
		"  -> [2001:db8::a]:80             Route   100    0          "
		"0         \n"
		"FWM  7 wlc persistent 360\n"
		"  -> 10.0.0.11:0                  Route   1      0          "
		"0         \n");
	expect("-L -n -t 192.0.2.10:80 --stats",
		"Prot LocalAddress:Port               Conns   InPkts  OutPkts  "
		"InBytes OutBytes\n"
		"  -> RemoteAddress:Port\n"
		"TCP  192.0.2.10:80                       0        0        0  "
		"      0        0\n"
		"  -> 10.0.0.11:80                        0        0        0  "
		"      0        0\n"
		"  -> 10.0.0.12:80                        0        0        0  "
		"      0        0\n");
	expect("-Ln --tun-info -t 192.0.2.10:80",
		"Prot LocalAddress:Port Scheduler Flags\n"
		"  -> RemoteAddress:Port           Forward TunnelInfo    "
		"Weight "
		"ActiveConn InActConn\n"
		"TCP  192.0.2.10:80 wrr\n"
		"  -> 10.0.0.11:80                 Route   n/a           5     "
		" "
		"0          0         \n"
		"  -> 10.0.0.12:80                 Tunnel  gue:6080:-c   1     "
		" "
		"0          0         \n");
	expect("-L --timeout", "Timeout (tcp tcpfin udp): 800 60 30\n");
}

/* Nothing is lost on the way; and what is saved is what was. */
static void
test_save_restore(void **state)
{
	own_free char *first = NULL;

	assert_int_equal(vs_with("-R", all), 0);
	first = strdup(saved());
	assert_string_equal(first, all);
	assert_int_equal(vs("-C"), 0);
	assert_string_equal(saved(), "--set 800 60 30\n");
	assert_int_equal(vs_with("--restore", first), 0);
	assert_string_equal(saved(), first);
}

/* All of it or nothing. */
static void
test_restore_fails(void **state)
{
	assert_int_equal(vs("-A -t 192.0.2.1:1 -s rr"), 0);
	assert_int_equal(vs_with("-R",
				 "# a comment\n"
				 "ipvsadm -A -t 192.0.2.2:2 -s rr\n\n"
				 "-a -t 192.0.2.3:3 -r 10.0.0.1\n"
				 "-A -t 192.0.2.4:4\n"),
		1);
	buf_append(&err, "", 1);
	assert_string_equal(buf_head(&err),
		"Service not defined\nline 4: nothing was changed\n");
	assert_string_equal(saved(), "-A -t 192.0.2.1:1 -s rr\n");
	assert_int_equal(vs_with("-R", "-A -t 192.0.2.2:2 -s nonsense"), 1);
	assert_int_equal(vs_with("-R", "-L"), 2);
	assert_int_equal(vs_with("-R", "-A -t nonsense"), 2);
	assert_string_equal(saved(), "-A -t 192.0.2.1:1 -s rr\n");
}

static const struct {
	const char *args;
	int status;
	const char *says;
} refusals[] = {
	{"-A -s rr", 2,
		"You need to supply the 'service-address' option for "
		"the 'add-service' command\n"},
	{"-A -t 192.0.2.1:1 -w 3", 2,
		"Illegal 'weight' option with the 'add-service' command\n"},
	{"-a -t 192.0.2.1:1", 2,
		"You need to supply the 'real-server' option "
		"for the 'add-server' command\n"},
	{"-A -D -t 192.0.2.1:1", 2, "multiple commands specified\n"},
	{"-A -t 192.0.2.1:1 -s best", 1,
		"Scheduler or persistence engine not found\n"},
	{"-A -t 192.0.2.1:80000", 2,
		"illegal virtual server address[:port] specified\n"},
	{"-A -t 192.0.2.1:0 -s rr", 2,
		"Zero port specified for non-persistent service\n"},
	{"-A -t 192.0.2.1:1 -o", 2,
		"One-Packet Scheduling is only for UDP "
		"virtual services\n"},
	{"-A -t 192.0.2.1:1 -s rr -b sh-port", 2,
		"incorrect sched-flags for scheduler\n"},
	{"-A -f 0", 2, "illegal virtual server fwmark specified\n"},
	{"-D -t 192.0.2.1:1", 1, "No such service\n"},
	{"-E -t 192.0.2.1:1 -s rr", 1, "No such service\n"},
	{"-L -t 192.0.2.1:1", 1, "No such service\n"},
	{"-Z -t 192.0.2.1:1", 1, "No such service\n"},
	{"-a -t 192.0.2.1:1 -r 10.0.0.1", 1, "Service not defined\n"},
	{"-a -t 192.0.2.1:1 -r 10.0.0.1 -w 65536", 2,
		"illegal weight specified\n"},
	{"-a -t 192.0.2.1:1 -r 10.0.0.1 -i --tun-type gue", 2,
		"The tunnel port is required with the gue tunnel type\n"},
	{"-a -t 192.0.2.1:1 -r 10.0.0.1 --tun-type ipip", 2,
		"Tunnel options are only for tunneled real servers\n"},
	{"-a -t 192.0.2.1:1 -r [2001:db8::1] -m", 2,
		"Different address family is not allowed for masquerading "
		"servers\n"},
	{"--set 1 2", 2, "--set option requires 3 timeout values\n"},
	{"-L -c -t 192.0.2.1:1", 2,
		"The option 'connection' conflicts with the option "
		"'service-address'\n"},
	{"--add-end -t 192.0.2.1:1", 2,
		"You need to supply the 'fwmark-service' option for the "
		"'add-end' command\n"},
	{"--sideways", 2, "unknown option '--sideways'\n"},
	{"-L what", 2, "unexpected argument what\n"},
};

static void
test_refusals(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_int_equal(vs(refusals[i].args), refusals[i].status);
		buf_append(&err, "", 1);
		assert_string_equal(buf_head(&err), refusals[i].says);
		assert_int_equal(buf_len(&out), 0);
		assert_string_equal(saved(), "");
	}
}

/* One more than there may be: none of them comes, and all that was stays. */
static void
test_no_room(void **state)
{
	struct buf lines = {0};

	assert_int_equal(vs("-A -t 192.0.2.1:1 -s rr"), 0);
	for (int i = 0; i < 1023; i++)
		buf_printf(&lines, "-A -t 192.0.2.2:%d -s rr\n", i + 1);
	buf_append(&lines, "", 1);
	assert_int_equal(vs_with("-R", buf_head(&lines)), 1);
	buf_append(&err, "", 1);
	assert_string_equal(buf_head(&err),
		"There is no room for another service: there may be 1023, at "
		"8191 addresses and ports\nline 1023: nothing was changed\n");
	assert_string_equal(saved(), "-A -t 192.0.2.1:1 -s rr\n");
	buf_fini(&lines);
	lines = (struct buf){0};
	for (int i = 0; i < 1025; i++)
		buf_printf(&lines, "-a -t 192.0.2.1:1 -r 10.0.%d.%d\n", i / 250,
			i % 250 + 1);
	buf_append(&lines, "", 1);
	assert_int_equal(vs_with("-R", buf_head(&lines)), 1);
	buf_append(&err, "", 1);
	assert_string_equal(buf_head(&err),
		"There is no room for another server: there may be 1024 of a "
		"service, and 16383 in all\nline 1025: nothing was changed\n");
	assert_string_equal(saved(), "-A -t 192.0.2.1:1 -s rr\n");
	buf_fini(&lines);
}

static void
packet(const struct frame_spec *s, enum l4_verdict want)
{
	struct frame in = frame_make(s);
	uint8_t room[FRAME_MAX + 64];
	struct model_frame f = {room + 62, room, in.n, 0};

	memcpy(f.data, in.b, in.n);
	assert_int_equal(model_run(&image, &f), want);
}

static void
test_numbers(void **state)
{
	struct frame_spec s = {.flags = SYN};

	image.ctl->clock_ns = 5000000000000;
	assert_int_equal(vs("-A -t 192.0.2.10:80 -s rr"), 0);
	assert_int_equal(vs("-a -t 192.0.2.10:80 -r 10.0.0.11"), 0);
	packet(&s, L4_tx_new);
	s.flags = ACK;
	packet(&s, L4_tx_known);
	s.client_port = 7;
	s.flags = SYN;
	packet(&s, L4_tx_new);
	s.flags = FIN | ACK;
	packet(&s, L4_tx_known);
	expect("-L -n -t 192.0.2.10:80 --stats",
		"Prot LocalAddress:Port               Conns   InPkts  OutPkts  "
		"InBytes OutBytes\n"
		"  -> RemoteAddress:Port\n"
		"TCP  192.0.2.10:80                       2        4        0  "
		"    232        0\n"
		"  -> 10.0.0.11:80                        2        4        0  "
		"    232        0\n");
	expect("-L -n -t 192.0.2.10:80 --thresholds",
		"Prot LocalAddress:Port            Uthreshold Lthreshold "
		"ActiveConn InActConn \n"
		"  -> RemoteAddress:Port\n"
		"TCP  192.0.2.10:80 rr\n"
		"  -> 10.0.0.11:80                 0          0          1     "
		"     1         \n");
	image.ctl->clock_ns += 2000000000;
	assert_int_equal(vs("-L -n -c"), 0);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out),
		"TCP 14:57  ESTABLISHED 10.0.0.1:40000     192.0.2.10:80      "
		"10.0.0.11:80\n"));
	assert_non_null(strstr(buf_head(&out),
		"TCP 01:57  TIME_WAIT   10.0.0.1:7         192.0.2.10:80      "
		"10.0.0.11:80\n"));
	assert_int_equal(vs("-Z"), 0);
	image.stats[control_rules(control)->services[0].servers[0].number]
		.in_bytes += 123456789012;
	expect("-L -n -t 192.0.2.10:80 --stats",
		"Prot LocalAddress:Port               Conns   InPkts  OutPkts  "
		"InBytes OutBytes\n"
		"  -> RemoteAddress:Port\n"
		"TCP  192.0.2.10:80                       0        0        0  "
		"   123G        0\n"
		"  -> 10.0.0.11:80                        0        0        0  "
		"   123G        0\n");
	assert_int_equal(vs("-L --json"), 0);
	buf_append(&out, "", 1);
	assert_non_null(strstr(buf_head(&out), "\"in_bytes\": 123456789012"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layouts),
		TEST(test_save_restore),
		TEST(test_restore_fails),
		TEST(test_refusals),
		TEST(test_no_room),
		TEST(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
