/*
 * sevenfold demo: a cluster in the lab, a web site as its origin, clients who
 * visit it, and what can be said about it then.
 */
#include "prog/verb.h"

#include "admin/human.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/album.h"
#include "bench/tree.h"
#include "lab/netns.h"
#include "lab/state.h"
#include "prog/demo_claims.h"
#include "prog/demo_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A folder of root's own: what is in a shared one could be anybody's. */
#define CONTENT_PARENT "/var/cache/sevenfold"
#define CONTENT_DIR CONTENT_PARENT "/album"

enum { CONNECTIONS = 64, PER_CONNECTION = 20, LATER_CONNECTIONS = 4 };

static const char usage_text[] =
	"usage: sevenfold demo [OPTIONS]\n"
	"\n"
	"Makes a cluster on this machine with a web site behind it, sends it "
	"a\n"
	"few seconds of traffic, and shows what came of it. Stays up then, "
	"for\n"
	"a look with a browser, until Ctrl-C.\n"
	"\n"
	"  --nodes N            how many nodes (4)\n"
	"  --seconds S          of traffic (6)\n"
	"  --policy POLICY      who owns a URL (hrw)\n"
	"  --ci                 end by itself, with status 1 if anything "
	"claimed\n"
	"                       is untrue; also when CI is in the environment\n"
	"  --keep-going         some traffic goes on to the end\n";

struct options {
	struct lab_options lab;
	uint64_t seconds;
	bool ci, keep_going;
};

/* What the client's process needs; shared with it where it answers. */
struct audience {
	struct traffic traffic;
	uint64_t crowd_ns;
	struct demo_client *client; /* shared memory */
};

static int
usage(FILE *out, int status)
{
	fputs(usage_text, out);
	return status;
}

static bool
parse_policy(const char *z, const struct policy **out)
{
	const struct policy *p = policy_find(z);

	if (p)
		*out = p;
	return p;
}

static bool
parse_option(int c, struct options *o)
{
	uint64_t n = 0;

	switch (c) {
	case 'n':
		if (str_u64(str_z(optarg), TRAFFIC_NODES, &n) < 0 || n == 0)
			return false;
		o->lab.nodes = (unsigned)n;
		return true;
	case 's':
		return str_u64(str_z(optarg), 86400, &o->seconds) == 0 &&
			o->seconds > 0;
	case 'p': return parse_policy(optarg, &o->lab.policy);
	case 'c': o->ci = true; return true;
	case 'k': o->keep_going = true; return true;
	default: return false;
	}
}

static bool
is_terminal(FILE *f)
{
	return isatty(fileno(f)) && !getenv("NO_COLOR");
}

static void
show_progress(unsigned done)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K  painting mountains: %u of %u", done,
			ALBUM_PHOTOS);
}

static int
make_content(struct tree *tree)
{
	int r;

	(void)mkdir(CONTENT_PARENT, 0755);
	r = album_make(CONTENT_DIR, show_progress);
	if (r > 0 && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (r >= 0)
		r = tree_open(CONTENT_DIR, tree);
	if (r < 0)
		fprintf(stderr, "demo: " CONTENT_DIR ": %s\n", strerror(-r));
	else
		printf("site     %zu objects, %s, in " CONTENT_DIR "\n",
			tree->n, human_bytes(tree->bytes).z);
	return r;
}

/* --- traffic, in processes of their own in the client's namespace --- */

static int
visit_and_crowd(const void *arg)
{
	const struct audience *a = arg;
	struct demo_client *c = a->client;
	int r = traffic_visit(&a->traffic, &c->tally);

	c->visit = c->tally.result;
	if (r == 0)
		r = traffic_crowd(&a->traffic, a->crowd_ns, &c->tally);
	c->crowd = c->tally.result;
	return r;
}

static int
crowd_only(const void *arg)
{
	const struct audience *a = arg;

	return traffic_crowd(&a->traffic, a->crowd_ns, &a->client->tally);
}

/* Waits for the child, or ends it when we are to stop: -EINTR. */
static int
wait_for(pid_t pid)
{
	int status;

	if (pid < 0)
		return -EIO;
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (state_pause(50) < 0) {
			kill(pid, SIGKILL);
			(void)netns_wait(pid);
			return -EINTR;
		}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void
print_traffic(const struct demo_client *c)
{
	const struct load_result *v = &c->visit, *w = &c->crowd;
	double s = (double)w->elapsed_ns / 1e9;

	printf("visit    each object once, %s in %.1f s\n",
		human_bytes(v->received_bytes).z, (double)v->elapsed_ns / 1e9);
	printf("crowd    %d connections for %.1f s: %s requests, %s/s, %s/s, "
	       "median %.1f ms\n\n",
		CONNECTIONS, s, human_count(load_requests(w)).z,
		human_count((uint64_t)((double)load_requests(w) / s)).z,
		human_bytes((uint64_t)((double)w->received_bytes / s)).z,
		(double)hist_quantile(&w->latency_ns, 0.5) / 1e6);
}

static int
send_traffic(const struct audience *a, struct demo_links *passed)
{
	struct demo_links before, after;
	int r = demo_links_read(&before);

	if (r < 0)
		return r;
	fflush(stdout);
	r = wait_for(netns_start("client", visit_and_crowd, a));
	if (r == -EIO)
		fprintf(stderr, "demo: the client failed\n");
	/* The last acknowledgements are still on their way. */
	if (r == 0 && (r = state_pause(200)) == 0)
		r = demo_links_read(&after);
	if (r == 0)
		demo_links_since(&before, &after, passed);
	return r;
}

/* --- the show --- */

static int
visit_pictures(const void *arg)
{
	const struct audience *a = arg;

	return demo_distill_visit(a->traffic.tree, &a->client->distilled);
}

/* What is known before any is gathered. */
static struct demo_facts
facts_of(const struct options *o, const struct audience *a)
{
	return (struct demo_facts){
		.tree = a->traffic.tree,
		.client = a->client,
		.policy = o->lab.policy,
		.nnodes = o->lab.nodes,
	};
}

/* After all else has been counted. As show(). */
static int
show_distilled(const struct options *o, const struct audience *a)
{
	struct demo_facts f = facts_of(o, a);
	struct buf text = {0};
	int r;

	fflush(stdout);
	r = wait_for(netns_start("client", visit_pictures, a));
	if (r == 0)
		r = demo_facts_gather(&f);
	if (r == 0) {
		r = demo_distill_claim(&f, &a->client->distilled,
			    is_terminal(stdout), &text)
			? 0
			: 1;
		printf("%.*s", STR_ARG(buf_view(&text)));
	}
	buf_fini(&text);
	demo_facts_fini(&f);
	return r;
}

/* 0: all that was said is true; 1: it is not; negative errno. */
static int
show(const struct options *o, const struct audience *a)
{
	struct demo_facts f = facts_of(o, a);
	struct buf text = {0};
	int r = send_traffic(a, &f.links);

	if (r == 0)
		r = demo_facts_gather(&f);
	if (r == 0) {
		print_traffic(a->client);
		demo_table(&f, is_terminal(stdout), &text);
		buf_z(&text, "\n");
		r = demo_claims(&f, is_terminal(stdout), &text) ? 0 : 1;
		printf("%.*s", STR_ARG(buf_view(&text)));
	}
	buf_fini(&text);
	demo_facts_fini(&f);
	return r;
}

/* Until somebody has seen enough. */
static void
stay(const struct options *o, struct audience *a)
{
	pid_t pid = 0;

	printf("\nTry it:  " LAB_URL "  in a browser on this machine; the foot "
	       "of each page says who answered\n"
	       "         " LAB_URL "distilled.html  shows pictures as they "
	       "are, and distilled\n"
	       "         curl -sI " LAB_URL "\n"
	       "         sevenfold status --socket %s/n1.sock\n"
	       "Ctrl-C ends it.\n",
		lab_state_dir());
	fflush(stdout);
	if (o->keep_going) {
		a->traffic.connections = LATER_CONNECTIONS;
		a->traffic.progress = false;
		a->crowd_ns = UINT64_MAX / 4;
		pid = netns_start("client", crowd_only, a);
	}
	while (state_pause(1000) == 0)
		;
	if (pid > 0) {
		kill(pid, SIGKILL);
		(void)netns_wait(pid);
	}
	fputs("\n", stdout);
}

static int
show_in_lab(struct options *o, const struct tree *tree)
{
	struct audience a = {
		.traffic = {.port = 80,
			.host = LAB_VIP,
			.tree = tree,
			.connections = CONNECTIONS,
			.per_connection = PER_CONNECTION,
			.progress = true},
		.crowd_ns = o->seconds * NS_PER_S,
		.client = mmap(NULL, sizeof(*a.client), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	};
	int r, down;

	if (a.client == MAP_FAILED)
		return -errno;
	inet_pton(AF_INET, LAB_VIP, &a.traffic.addr);
	o->lab.origin_root = CONTENT_DIR;
	r = lab_up(&o->lab);
	if (r == 0) {
		printf("cluster  %u nodes, policy %s, a balancer, nginx as "
		       "the origin\n",
			o->lab.nodes, o->lab.policy->name);
		r = show(o, &a);
		if (r >= 0 && o->lab.policy != &policy_rr) {
			int distilled = show_distilled(o, &a);

			r = distilled ? distilled : r;
		}
		if (r >= 0 && !o->ci)
			stay(o, &a);
		down = lab_down();
		if (r == 0)
			r = down;
	}
	munmap(a.client, sizeof(*a.client));
	return r;
}

int
verb_demo(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"nodes", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{"policy", required_argument, NULL, 'p'},
		{"ci", no_argument, NULL, 'c'},
		{"keep-going", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *ci = getenv("CI");
	struct options o = {
		.lab = {.nodes = 4, .policy = &policy_hrw, .distill = true},
		.seconds = 6,
		.ci = ci && *ci,
	};
	struct tree tree;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (c == 'h')
			return usage(stdout, 0);
		if (!parse_option(c, &o))
			return usage(stderr, 2);
	}
	if (optind < argc)
		return usage(stderr, 2);
	if (geteuid() != 0) {
		fputs("demo: needs root, for network namespaces; try sudo\n",
			stderr);
		return 1;
	}
	if (make_content(&tree) < 0)
		return 1;
	state_hold(NULL);
	r = show_in_lab(&o, &tree);
	tree_close(&tree);
	return r == 0 ? 0 : 1;
}
