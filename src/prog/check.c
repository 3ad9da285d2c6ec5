/* sevenfold check: says what is wrong with a configuration. */
#include "prog/verb.h"

#include "conf/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static int
usage(FILE *out, int status)
{
	fputs("usage: sevenfold check [--dump] FILE\n"
	      "\n"
	      "Says what is wrong with a configuration (-: standard input).\n"
	      "\n"
	      "  --dump  if nothing is, write it out with all defaults\n",
		out);
	return status;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_summary(const struct conf *c)
{
	char vip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &c->vip, vip, sizeof(vip));
	printf("%s: %zu node%s, %zu site%s, vip %s:%u, policy %s: "
	       "no mistakes\n",
		c->cluster, c->nnodes, plural(c->nnodes), c->nsites,
		plural(c->nsites), vip, c->vip_port, c->place.policy->name);
}

static void
print_dump(const struct conf *c)
{
	struct buf b = {0};

	conf_dump(c, &b);
	fwrite(buf_head(&b), 1, buf_len(&b), stdout);
	buf_fini(&b);
}

int
verb_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"dump", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct conf *conf;
	bool dump = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'd')
			return c == 'h' ? usage(stdout, 0) : usage(stderr, 2);
		dump = true;
	}
	if (argc - optind != 1)
		return usage(stderr, 2);
	r = conf_load(argv[optind], &conf);
	if (r < 0)
		return r == -EINVAL ? 1 : 2;
	if (dump)
		print_dump(conf);
	else
		print_summary(conf);
	conf_free(conf);
	return fflush(stdout) ? 1 : 0;
}
