/* sevenfold decap: attaches, on a node, the program that takes packets out of
 * the balancer's tunnels (l4/decap.h), or detaches it. */
#include "prog/verb.h"

#include "base/mem.h"
#include "base/own.h"
#include "l4/addr.h"
#include "l4/decap.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: sevenfold decap --interface NAME --balancer ADDRESS... --vip "
	"ADDRESS...\n"
	"                       [--gue-port PORT]\n"
	"       sevenfold decap --interface NAME --detach\n\n"
	"On a node, takes packets out of the balancer's tunnels (IP in IP, "
	"GUE, GRE), and\nhands them to this machine, which has the vip on its "
	"loopback interface. Stays\nuntil detached.\n\n"
	"  --interface NAME    where they arrive\n"
	"  --balancer ADDRESS  of the balancer; may be given several times\n"
	"  --vip ADDRESS       whom they are for; may be given several times\n"
	"  --gue-port PORT     where GUE's UDP packets go to (6080)\n"
	"  --detach            takes the program off the interface\n";

struct addrs {
	union l4_addr *v; /* owned */
	size_t n;
};

struct options {
	const char *interface;
	struct addrs balancers, vips;
	unsigned long gue_port;
	bool detach;
};

static bool
add(struct addrs *a, const char *text)
{
	a->v = xrealloc(a->v, (a->n + 1) * sizeof(*a->v));
	if (!addr_parse(text, &a->v[a->n])) {
		fprintf(stderr, "sevenfold decap: '%s' is no address\n", text);
		return false;
	}
	a->n++;
	return true;
}

/* The exit status, or -1 to go on. */
static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"interface", required_argument, NULL, 'i'},
		{"balancer", required_argument, NULL, 'b'},
		{"vip", required_argument, NULL, 'v'},
		{"gue-port", required_argument, NULL, 'g'},
		{"detach", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool fine = true;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 'i': o->interface = optarg; break;
		case 'b': fine &= add(&o->balancers, optarg); break;
		case 'v': fine &= add(&o->vips, optarg); break;
		case 'g': o->gue_port = strtoul(optarg, NULL, 10); break;
		case 'd': o->detach = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fine = false;
		}
	}
	if (fine && optind == argc && o->interface && o->gue_port < 65536 &&
		(o->detach || (o->balancers.n && o->vips.n)))
		return -1;
	fputs(usage, stderr);
	return 2;
}

static int
run(const struct options *o)
{
	struct decap_config config = {
		.ifindex = (int)if_nametoindex(o->interface),
		.gue_port = (uint16_t)o->gue_port,
		.balancers = o->balancers.v,
		.nbalancers = o->balancers.n,
		.vips = o->vips.v,
		.nvips = o->vips.n};
	int err;

	if (!config.ifindex) {
		fprintf(stderr, "sevenfold decap: there is no interface '%s'\n",
			o->interface);
		return 1;
	}
	err = o->detach ? decap_detach(config.ifindex) : decap_attach(&config);
	if (err)
		fprintf(stderr, "sevenfold decap: interface %s: %s\n",
			o->interface,
			err == -EPERM ? "needs CAP_BPF, CAP_PERFMON and "
					"CAP_NET_ADMIN; run it as root"
				: err == -EBUSY ? "it has another XDP program"
						: strerror(-err));
	return err ? 1 : 0;
}

int
verb_decap(int argc, char **argv)
{
	struct options o = {0};
	int status = parse(argc, argv, &o);

	if (status < 0)
		status = run(&o);
	free(o.balancers.v);
	free(o.vips.v);
	return status;
}
