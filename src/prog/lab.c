/* sevenfold lab: a cluster on one machine. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/arch.h"
#include "lab/lab.h"
#include "lab/shape.h"
#include "prog/verb.h"

static const char usage_text[] =
	"usage: sevenfold lab up [OPTIONS]      make the lab; there is one per "
	"machine\n"
	"       sevenfold lab status            its hosts, processes and "
	"traffic\n"
	"       sevenfold lab exec HOST CMD...  run CMD in a host: client, "
	"balancer,\n"
	"                                       origin, switch, n1, n2, ...\n"
	"       sevenfold lab kill HOST         SIGKILL a host's daemon\n"
	"       sevenfold lab start HOST        start it again\n"
	"       sevenfold lab down              end all of it\n"
	"\n"
	"  --nodes N           how many nodes (4)\n"
	"  --link RATE         of each host's link, as 20mbit (no limit)\n"
	"  --client-link RATE  of the client's and this machine's link (10 x "
	"--link)\n"
	"  --cpu SHARE         of each node, as 10% or 0.5% of one core "
	"(no limit)\n"
	"  --arch NAME         what the cluster is made of (sevenfold); see "
	"below\n"
	"  --policy POLICY     who owns a URL (hrw)\n"
	"  --handoff auto|on|off\n"
	"                      whether connections move to the owner (auto)\n"
	"  --handoff-hook tc|xdp\n"
	"                      where nodes steer what was moved (tc)\n"
	"  --xdp native|generic\n"
	"                      where the balancer takes packets (native)\n"
	"  --workers N         event loops of a node (2; on one core, 1)\n"
	"  --ipv6              the cluster has an IPv6 address, too\n"
	"  --distill           the nodes distil images and text\n"
	"  --cache squid       a real Squid behind each node takes the place "
	"of its\n"
	"                      cache; with --distill, nginx's image filter "
	"behind\n"
	"                      that distils what the nodes would\n"
	"  --memory SIZE       of each node's cache, as 64m (256m)\n"
	"  --conf FILE         a configuration of your own; its nodes are\n"
	"                      n1 198.18.1.1, n2 198.18.1.2, ..., its vip\n"
	"                      192.0.2.10\n"
	"  --origin-root DIR   what the origin serves (a few pages)\n"
	"  --origin-conf FILE  an nginx.conf of your own for the origin,\n"
	"                      198.18.0.3; it must listen on port 80\n"
	"  --bare              only the network, no daemons\n"
	"  --force             take down a lab that is in use\n";

static void
print_usage(FILE *out)
{
	const struct arch *a;

	fputs(usage_text, out);
	fputs("\narchitectures:\n", out);
	for (size_t i = 0; (a = arch_at(i)); i++)
		fprintf(out, "  %-14s %s\n", a->name, a->about);
}

static int
usage(void)
{
	print_usage(stderr);
	return 2;
}

static int
parse_arch(const char *z, const struct arch **out)
{
	const struct arch *a = arch_find(z);

	if (!a)
		return -EINVAL;
	*out = a;
	return 0;
}

/* "64m": 8 MB to 64 GB */
static int
parse_memory(const char *z, uint64_t *out)
{
	struct str s = str_z(z);
	uint64_t n;

	if (s.n < 2 || char_lower(s.p[s.n - 1]) != 'm' ||
		str_u64(str_of(s.p, s.n - 1), 64 << 10, &n) < 0 || n < 8)
		return -EINVAL;
	*out = n << 20;
	return 0;
}

static int
parse_number(const char *z, uint64_t max, unsigned *out)
{
	uint64_t n;

	if (str_u64(str_z(z), max, &n) < 0 || n == 0)
		return -EINVAL;
	*out = (unsigned)n;
	return 0;
}

static int
parse_policy(const char *z, const struct policy **out)
{
	const struct policy *p = policy_find(z);

	if (!p)
		return -EINVAL;
	*out = p;
	return 0;
}

static int
parse_xdp(const char *z, enum conf_xdp *out)
{
	if (strcmp(z, "native") != 0 && strcmp(z, "generic") != 0)
		return -EINVAL;
	*out = *z == 'n' ? CONF_XDP_NATIVE : CONF_XDP_GENERIC;
	return 0;
}

static const struct option options[] = {
	{"nodes", required_argument, NULL, 'n'},
	{"link", required_argument, NULL, 'l'},
	{"client-link", required_argument, NULL, 'L'},
	{"cpu", required_argument, NULL, 'c'},
	{"arch", required_argument, NULL, 'a'},
	{"policy", required_argument, NULL, 'p'},
	{"handoff", required_argument, NULL, 'h'},
	{"handoff-hook", required_argument, NULL, 'H'},
	{"xdp", required_argument, NULL, 'x'},
	{"workers", required_argument, NULL, 'w'},
	{"ipv6", no_argument, NULL, '6'},
	{"distill", no_argument, NULL, 'd'},
	{"cache", required_argument, NULL, 's'},
	{"memory", required_argument, NULL, 'm'},
	{"conf", required_argument, NULL, 'C'},
	{"origin-root", required_argument, NULL, 'r'},
	{"origin-conf", required_argument, NULL, 'o'},
	{"bare", no_argument, NULL, 'b'},
	{"force", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, '1'},
	{NULL, 0, NULL, 0},
};

static int
parse_option(int c, const char *value, struct lab_options *o)
{
	switch (c) {
	case 'n': return parse_number(value, LAB_NODES_MAX, &o->nodes);
	case 'l': return shape_parse_rate(str_z(value), &o->link_bits);
	case 'L': return shape_parse_rate(str_z(value), &o->client_link_bits);
	case 'c': return shape_parse_cpu(str_z(value), &o->cpu_millicores);
	case 'a': return parse_arch(value, &o->arch);
	case 'm': return parse_memory(value, &o->cache_bytes);
	case 'p': return parse_policy(value, &o->policy);
	case 'h': return conf_handoff_find(value, &o->handoff) ? 0 : -EINVAL;
	case 'H': return conf_hook_find(value, &o->hook) ? 0 : -EINVAL;
	case 'x': return parse_xdp(value, &o->xdp);
	case 'w': return parse_number(value, 64, &o->workers);
	case '6': o->ipv6 = true; return 0;
	case 'd': o->distill = true; return 0;
	case 's': o->squid = true; return strcmp(value, "squid") ? -EINVAL : 0;
	case 'C': o->conf = value; return 0;
	case 'r': o->origin_root = value; return 0;
	case 'o': o->origin_conf = value; return 0;
	case 'b': o->bare = true; return 0;
	case 'f': o->force = true; return 0;
	default: return -EINVAL;
	}
}

static int
up(int argc, char **argv)
{
	struct lab_options o = {.nodes = 4};
	int c, at, r;

	while ((c = getopt_long(argc, argv, "", options, &at)) != -1) {
		if (c == '?')
			return usage();
		if (c == '1') {
			print_usage(stdout);
			return 0;
		}
		if (parse_option(c, optarg, &o) < 0) {
			fprintf(stderr, "lab: --%s can't be '%s'\n",
				options[at].name, optarg);
			return 2;
		}
	}
	if (optind < argc)
		return usage();
	r = lab_up(&o);
	if (r == -EINTR)
		return 130;
	if (r < 0)
		return 1;
	if (o.bare)
		printf("lab: up, %u nodes, bare\n", o.nodes);
	else
		printf("lab: up, %u nodes: %s\n", o.nodes, LAB_URL);
	return 0;
}

static int
exec_in(int argc, char **argv)
{
	return argc < 3 ? usage() : (lab_exec(argv[1], argv + 2), 127);
}

static int
on_host(int argc, char **argv, int (*fn)(const char *))
{
	return argc != 2 ? usage() : fn(argv[1]) < 0;
}

static int
kill_host(int argc, char **argv)
{
	return on_host(argc, argv, lab_kill);
}

static int
start_host(int argc, char **argv)
{
	return on_host(argc, argv, lab_start);
}

static int
status(int argc, char **argv)
{
	return argc != 1 ? usage() : lab_print_status() < 0;
}

static int
down(int argc, char **argv)
{
	return argc != 1 ? usage() : lab_down() < 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"up", up},
	{"status", status},
	{"exec", exec_in},
	{"kill", kill_host},
	{"start", start_host},
	{"down", down},
};

/* Root by way of su may not have the directories where ip and tc are. */
static void
extend_path(void)
{
	const char *old = getenv("PATH");
	char path[4096];

	snprintf(path, sizeof(path), "%s%s/usr/sbin:/usr/bin:/sbin:/bin",
		old ? old : "", old ? ":" : "");
	setenv("PATH", path, 1);
}

int
verb_lab(int argc, char **argv)
{
	extend_path();
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		print_usage(stdout);
		return 0;
	}
	return usage();
}
