/* sevenfold bench: load and content for measuring a cluster. */
#include "prog/verb.h"

#include "bench/album.h"
#include "prog/bench_distill.h"
#include "prog/bench_handoff.h"
#include "prog/bench_options.h"
#include "prog/bench_paper.h"
#include "prog/bench_placement.h"
#include "prog/bench_traffic.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int
content_verb(int argc, char **argv)
{
	if (argc != 2)
		return bench_bad_usage("content needs", "DIR");
	int r = album_make(argv[1], NULL);

	if (r >= 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", argv[1], strerror(-r));
	return 1;
}

static const struct bench_verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage; /* arguments, then what it does */
	bool helps;	   /* --help is an option of its own */
} verbs[] = {
	{"load", bench_load,
		"WORKLOAD|/TARGET... TO [OPTIONS]\n"
		"    Asks for a set of files, as often as their weights say,\n"
		"    or for some targets of any HTTP server. Workloads:\n"
		"    surge-100, unc-2001, berkeley-1998 (100 synthetic files,\n"
		"    with what the paper's tables imply), webstone.\n"},
	{"surge", bench_surge,
		"TO [--users N] [--files N] [OPTIONS]\n"
		"    Users (100) who read pages with embedded files (2000),\n"
		"    and think, by the model of SURGE (Barford, Crovella "
		"1998).\n"},
	{"webstone", bench_webstone,
		"[LIST] TO [OPTIONS]\n"
		"    WebStone's metrics, of its standard mix or of a list of\n"
		"    files: lines of /TARGET WEIGHT #BYTES.\n"},
	{"replay", bench_replay,
		"LOG TO [--format clf|squid|home-ip] [OPTIONS]\n"
		"    Sends the requests of a log, in order: Common or "
		"combined\n"
		"    format of web servers, Squid's access.log, or the binary\n"
		"    one of Berkeley's Home IP traces (1996). .gz and .xz are\n"
		"    unpacked, - is standard input. What a log of many "
		"servers\n"
		"    has is asked for as /SERVER/TARGET.\n"},
	{"crowd", bench_crowd,
		"TO [--objects N] [--alpha A] [--bytes N] [--flash TIME]\n"
		"           [--per-connection N] [OPTIONS]\n"
		"    Asks for objects (100) of which the first ones are more\n"
		"    popular: by Zipf's law, with that exponent (0.8); with\n"
		"    --flash, from then on in half of all requests for a new\n"
		"    one. Without --bytes they may have any size.\n"},
	{"content", content_verb,
		"DIR\n"
		"    Makes the demo's web site in DIR, unless it is there:\n"
		"    photographs, pages and files, over 240 objects and 50 "
		"MB.\n"},
	{"pictures", bench_distill,
		"DIR [--shrink N]\n"
		"    Makes photographs, drawings, animations and text, in\n"
		"    several formats.\n",
		true},
	{"distill", bench_distill,
		"[OPTIONS] FILE...\n"
		"    Shows what files become for some classes of clients, how\n"
		"    like the original they look, and what it costs; --help\n"
		"    names the options.\n",
		true},
	{"ssim", bench_distill,
		"ORIGINAL FILE\n"
		"    Says how alike two images look (SSIM).\n",
		true},
	{"placement", bench_placement,
		"[OPTIONS]\n"
		"    What the policies' look-ups cost, how even they are, and\n"
		"    how many keys move; --help names the options.\n",
		true},
	{"handoff", bench_handoff,
		"[--seconds N] [--json]\n"
		"    What it costs to move a connection to the owner of what "
		"it\n"
		"    asks for, beside passing the answer on, on this "
		"machine.\n",
		true},
	{"paper", bench_paper,
		"[DIR] [--quick] [OPTIONS]\n"
		"    The paper's experiment, in the lab, and a report beside "
		"its\n"
		"    figures; --help names the options.\n",
		true},
};
#define NVERBS (sizeof(verbs) / sizeof(*verbs))

static const char options[] =
	"TO is one of\n"
	"  --target HOST[:PORT]  send, and check every byte of the answers\n"
	"  --prepare DIR         write what an origin needs to answer: bodies "
	"of\n"
	"                        the right sizes, and nginx.conf for\n"
	"                        nginx -p DIR -c nginx.conf\n"
	"  --serve HOST[:PORT]   be that origin: bodies are made as they are "
	"sent\n"
	"OPTIONS of all, but where it says otherwise\n"
	"  --connections N  at the same time (63; replay, crowd: 64); not "
	"surge\n"
	"  --servers N      63 connections for each, as in the paper; not "
	"surge\n"
	"  --rate N         open loop: N requests a second, whatever becomes "
	"of\n"
	"                   them, with latency counted from when each was "
	"due;\n"
	"                   without it a connection asks again when it has "
	"its\n"
	"                   answer; not surge, webstone\n"
	"  --duration TIME  90, 90s, 15m, 2h (60s; crowd: 10s; replay: the "
	"whole log)\n"
	"  --limit N        only so many requests\n"
	"  --close          a connection per request (webstone: always)\n"
	"  --per-connection N  crowd: so many requests on each connection\n"
	"  --host NAME      what the requests say in Host (the target)\n"
	"  --seed N         another sequence of random numbers; not replay\n"
	"  --json           the result as one line of JSON\n"
	"  --port PORT      where what is prepared will listen (80)\n";

static int
print_usage(FILE *out, int status)
{
	for (size_t i = 0; i < NVERBS; i++)
		fprintf(out, "%s sevenfold bench %s %s",
			i ? "      " : "usage:", verbs[i].name, verbs[i].usage);
	fprintf(out, "\n%s", options);
	return status;
}

static int
run(const struct bench_verb *v, int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--help") != 0 || v->helps)
		return v->run(argc, argv);
	printf("usage: sevenfold bench %s %s\n%s", v->name, v->usage, options);
	return 0;
}

int
verb_bench(int argc, char **argv)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (argc > 1 && !strcmp(argv[1], verbs[i].name))
			return run(&verbs[i], argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--help"))
		return print_usage(stdout, 0);
	return print_usage(stderr, 2);
}
