/*
 * Our balancer against Linux's own, inside a machine whose kernel has IPVS: the
 * same commands to ipvsadm and to our grammar, the same connections to both.
 * Choices and listings have to agree, but for what is listed in same_text().
 *
 * Runs as root, alone on the machine: VIP 192.0.2.10 is on lo, 10.0.0.0/24 is
 * behind a device that swallows everything.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/control.h"
#include "l4/ipvs.h"
#include "l4/model.h"
#include "l4/test_frame.h"
#include "l4/vs.h"
#include "l4/xdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct l4_image image;
static struct control *control;
static unsigned compared, wrong;

static void
complain(const char *what, const char *ours, const char *theirs)
{
	wrong++;
	printf("FAIL %s\n--- Linux\n%s\n--- ours\n%s\n", what, theirs, ours);
}

/* --- saying the same to both -------------------------------------------------
 */

static void
their_output(const char *args, struct buf *out)
{
	own_free char *line = xasprintf("ipvsadm %s 2>&1", args);
	FILE *p = popen(line, "r");
	char text[4096];
	size_t n;

	while (p && (n = fread(text, 1, sizeof(text), p)) > 0)
		buf_append(out, text, n);
	if (p)
		pclose(p);
}

static void
our_output(const char *args, struct buf *out)
{
	own_free char *line = xstrdup(args);
	char name[] = "vs", *argv[32] = {name}, *save = NULL;
	int argc = 1;

	for (char *w = strtok_r(line, " ", &save); w && argc < 31;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	(void)vs_run(control, argc, argv, STR(""), out, out);
}

/* Takes what is between two texts out of b, wherever it is. */
static void
cut(struct buf *b, const char *from, const char *to)
{
	struct buf kept = {0};
	const char *p, *at, *end;

	buf_append(b, "", 1);
	for (p = buf_head(b); (at = strstr(p, from)); p = end) {
		end = strstr(at, to);
		if (!end)
			break;
		buf_append(&kept, p, (size_t)(at - p));
	}
	buf_z(&kept, p);
	buf_fini(b);
	*b = kept;
}

/*
 * The differences there may be:
 * - the size of the flow table, in a listing's first line;
 * - thresholds and timeouts, which ipvsadm forgets to save, and we don't.
 */
static void
same_text(struct buf *b)
{
	cut(b, "(size=", "\n");
	cut(b, " -x ", "\n");
	cut(b, "--set 700", "-A");
}

static void
both(const char *args)
{
	struct buf ours = {0}, theirs = {0};

	our_output(args, &ours);
	their_output(args, &theirs);
	same_text(&ours);
	same_text(&theirs);
	compared++;
	if (!str_eq(buf_view(&ours), buf_view(&theirs))) {
		buf_append(&ours, "", 1);
		buf_append(&theirs, "", 1);
		complain(args, buf_head(&ours), buf_head(&theirs));
	}
	buf_fini(&ours);
	buf_fini(&theirs);
}

/* --- connections
 * ---------------------------------------------------------------- */

/* The server of this flow in Linux's table, as the last byte of its address;
 * 0: it has none. */
static int
their_flow(uint32_t client, uint16_t cport, uint16_t vport)
{
	own_file FILE *in = fopen("/proc/net/ip_vs_conn", "re");
	char line[256], want[32];
	int found = 0;

	snprintf(want, sizeof(want), "TCP %08X %04X ", client, cport);
	while (in && fgets(line, sizeof(line), in)) {
		unsigned vip, port, server;

		if (!strncmp(line, want, strlen(want)) &&
			sscanf(line + strlen(want), "%x %x %x", &vip, &port,
				&server) == 3 &&
			port == vport)
			found = (int)(server & 255);
	}
	return found;
}

/* A SYN from this client; the kernel's choice, as the last byte of a server's
 * address; 0: none. */
static int
their_choice(uint32_t client, uint16_t cport, uint16_t vport)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(client),
		.sin_port = htons(cport)};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(FRAME_VIP),
		.sin_port = htons(vport)};
	own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int one = 1, found = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0) {
		perror("bind");
		exit(1);
	}
	(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
	/* a listing that changes while it's read may leave one out */
	for (int tries = 0; tries < 3 && !found; tries++)
		found = their_flow(client, cport, vport);
	return found;
}

static int
our_choice(uint32_t client, uint16_t cport, uint16_t vport)
{
	struct frame_spec s = {.client = client,
		.client_port = cport,
		.port = vport,
		.flags = SYN};
	struct frame in = frame_make(&s);
	uint8_t room[FRAME_MAX + 64];
	struct model_frame f = {room + 62, room, in.n, 0};
	enum l4_verdict v;

	memcpy(f.data, in.b, in.n);
	v = model_run(&image, &f);
	return v == L4_tx_new || v == L4_tx_known ? f.data[5] : 0;
}

static void
connect_both(const char *what, uint32_t client, uint16_t from, unsigned n,
	bool by_client, uint16_t vport)
{
	char ours[600], theirs[600];

	for (unsigned i = 0; i < n; i++) {
		uint32_t c = by_client ? client + i % 200 : client;
		uint16_t port = (uint16_t)(from + i);

		theirs[i] = (char)('0' + their_choice(c, port, vport));
		ours[i] = (char)('0' + our_choice(c, port, vport));
	}
	ours[n] = theirs[n] = 0;
	compared += n;
	if (strcmp(ours, theirs) != 0)
		complain(what, ours, theirs);
}

/* --- what is compared
 * -------------------------------------------------------------- */

static uint16_t vport = 1000; /* each round a new service: see the trash */
static uint16_t cport = 20000;

static void
server(const char *command, unsigned n, unsigned weight, const char *more)
{
	own_free char *args =
		xasprintf("%s -t 192.0.2.10:%u -r 10.0.0.%u:%u -g -w %u%s",
			command, vport, n, vport, weight, more);

	both(args);
}

static void
list(void)
{
	both("-L -n");
	both("-S -n");
	both("-L -n --thresholds");
	both("-L -n --persistent-conn");
}

static void
round_of(const char *scheduler, const char *more, bool by_client)
{
	own_free char *add = xasprintf(
		"-A -t 192.0.2.10:%u -s %s%s", ++vport, scheduler, more);
	own_free char *del = xasprintf("-D -t 192.0.2.10:%u", vport);

	both(add);
	server("-a", 11, 5, "");
	server("-a", 12, 3, "");
	server("-a", 13, 2, "");
	connect_both(add, 0x0a090001, cport, 40, by_client, vport);
	cport = (uint16_t)(cport + 40);
	list();
	server("-e", 12, 0, ""); /* drained */
	connect_both(add, 0x0a090001, cport, 20, by_client, vport);
	cport = (uint16_t)(cport + 20);
	server("-e", 12, 7, " -x 30 -y 10");
	server("-a", 14, 1, "");
	connect_both(add, 0x0a090001, cport, 60, by_client, vport);
	cport = (uint16_t)(cport + 60);
	list();
	{
		own_free char *gone = xasprintf(
			"-d -t 192.0.2.10:%u -r 10.0.0.11:%u", vport, vport);

		both(gone);
	}
	connect_both(add, 0x0a090001, cport, 20, by_client, vport);
	cport = (uint16_t)(cport + 20);
	list();
	both(del);
}

static void
compare_choices(void)
{
	static const char *const plain[] = {"rr", "wrr", "lc", "wlc", "sed",
		"nq", "fo", "ovf", "lblc", "lblcr", "dh"};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		round_of(plain[i], "", false);
	round_of("sh", "", true);
	round_of("sh", " -b sh-port", true);
	round_of("sh", " -b sh-fallback,sh-port", true);
	round_of("mh", "", true);
	round_of("mh", " -b mh-port", true);
	round_of("mh", " -b mh-fallback,mh-port", true);
	round_of("rr", " -p 100", true);
	round_of("wlc", " -p 100 -M 255.255.255.240", true);
}

/* Words, not packets: layouts, defaults, and what is refused, and how. */
static void
compare_words(void)
{
	static const char *const commands[] = {
		"-A -t 192.0.2.10:80 -s wrr",
		"-A -t 192.0.2.10:80 -s rr",
		"-E -t 192.0.2.10:80 -s wlc -p",
		"-A -u 192.0.2.10:53 -s sh -b sh-fallback,sh-port -o",
		"-A -t [2001:db8::80]:80 -s mh -b mh-port",
		"-A -f 7 -p 360",
		"-A -f 8 -6 -s rr -p 60 -M 64",
		"-A -t 192.0.2.10:443 -s rr -p 600 -M 255.255.255.0",
		"-a -t 192.0.2.10:80 -r 10.0.0.11 -w 5",
		"-a -t 192.0.2.10:80 -r 10.0.0.12 -i",
		"-a -t 192.0.2.10:80 -r 10.0.0.13 -i --tun-type gue --tun-port "
		"6080",
		"-a -t 192.0.2.10:80 -r 10.0.0.13",
		"-a -t 192.0.2.10:443 -r 10.0.0.11:8443 -m -w 10",
		"-a -u 192.0.2.10:53 -r 10.0.0.11:53 -g",
		"-a -t [2001:db8::80]:80 -r [2001:db8::a]:80 -g -w 100",
		"-a -f 7 -r 10.0.0.11:0 -g",
		"-a -t 192.0.2.10:81 -r 10.0.0.11 -g",
		"-e -t 192.0.2.10:80 -r 10.0.0.99 -w 3",
		"-d -t 192.0.2.10:80 -r 10.0.0.99",
		"-D -t 192.0.2.10:81",
		"-E -t 192.0.2.10:81 -s rr",
		"-L -n",
		"-S -n",
		"-L -n --stats",
		"-L -n --stats --exact",
		"-L -n --rate",
		"-L -n --thresholds",
		"-L -n --persistent-conn",
		"-L -n --tun-info",
		"-L -n -t 192.0.2.10:80",
		"-L -n -c",
		"-L --timeout",
		"--set 800 60 30",
		"-L --timeout",
		"--set 900 120 300",
		"-Z",
		"-D -f 8 -6",
		"-C",
		"-L -n",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		both(commands[i]);
}

/* Servers are where the model needs not look for them. */
static int
open_control(void)
{
	struct xdp *x;
	struct control_config config = {0};

	l4_image_init(&image, 1 << 16);
	l4_image_start(&image);
	memcpy(image.ctl->mac, frame_own, ETH_ALEN);
	x = xdp_new(&image, false);
	config.driver = xdp_driver(x);
	config.assume = true;
	return control_open(&config, &control);
}

/* What the kernel refuses in the middle, since it has no such scheduler, leaves
 * nothing of what came before it. */
static void
refuse_half(void)
{
	static const char lines[] = "-C\n-A -t 192.0.2.10:3100 -s rr\n"
				    "-a -t 192.0.2.10:3100 -r 10.0.0.11\n"
				    "-A -t 192.0.2.10:3101 -s twos\n";
	char name[] = "vs", option[] = "-R", *argv[] = {name, option, NULL};
	struct buf said = {0};
	int status = vs_run(control, 2, argv, str_z(lines), &said, &said);

	buf_append(&said, "", 1);
	compared++;
	if (!status || !strstr(buf_head(&said), "Scheduler or persistence"))
		complain("a scheduler that isn't there", buf_head(&said), "");
	buf_fini(&said);
	both("-S -n");
}

/* The driver ipvs: rules made by us, as ipvsadm sees them, and a connection. */
static void
compare_driver(void)
{
	static const char *const changes[] = {
		"-A -t 192.0.2.10:3000 -s wrr -p 90 -M 255.255.255.0",
		"-A -u 192.0.2.10:3001 -s mh -b mh-port -o",
		"-A -t [2001:db8::80]:3002 -s rr",
		"-a -t 192.0.2.10:3000 -r 10.0.0.11 -w 5 -x 30 -y 10",
		"-a -t 192.0.2.10:3000 -r 10.0.0.12 -i -w 2",
		"-a -u 192.0.2.10:3001 -r 10.0.0.13:99 -m",
		"-a -t [2001:db8::80]:3002 -r [2001:db8::b]:3002 -g",
		"-e -t 192.0.2.10:3000 -r 10.0.0.11 -w 7",
		"-a -t 192.0.2.10:3000 -r 10.0.0.14",
		"-d -t 192.0.2.10:3000 -r 10.0.0.14",
		"-E -t 192.0.2.10:3000 -s wlc",
		"--set 700 70 35",
	};
	static const char *const listings[] = {"-L -n", "-S -n",
		"-L -n --thresholds", "-L -n --persistent-conn",
		"-L -n --tun-info", "-L -n --stats", "-L --timeout"};
	struct control_config config = {0};
	struct buf said = {0};
	struct ipvs *v = NULL;

	if (ipvs_open(&v, &config.rules)) {
		complain("ipvs_open", "", "");
		return;
	}
	config.driver = ipvs_driver(v);
	if (control_open(&config, &control)) {
		complain("control_open", "", "");
		return;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		our_output(changes[i], &said);
	if (buf_len(&said)) {
		buf_append(&said, "", 1);
		complain("changes", buf_head(&said), "");
	}
	buf_fini(&said);
	refuse_half();
	(void)their_choice(0x0a090001, 30000, 3000);
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
		both(listings[i]);
	/* of all there are, expiring every second, the one just made */
	said = (struct buf){0};
	our_output("-L -n -c", &said);
	buf_append(&said, "", 1);
	if (!strstr(buf_head(&said),
		    "SYN_RECV    10.9.0.1:30000     "
		    "192.0.2.10:3000    10.0.0.1"))
		complain("-L -n -c", buf_head(&said), "");
	buf_fini(&said);
	control_close(control);
	ipvs_close(v);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (open_control())
		return 1;
	both("-C");
	compare_words();
	compare_choices();
	compare_driver();
	printf("oracle: %u compared, %u differ\n", compared, wrong);
	return wrong ? 1 : 0;
}
