/* See demo_facts.h. */
#include "prog/demo_facts.h"

#include "admin/call.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/tree.h"
#include "lab/origin.h"
#include "lab/state.h"

#include <errno.h>
#include <jansson.h>

int
demo_links_read(struct demo_links *out)
{
	int r = lab_port_counters("client", &out->client);

	return r < 0 ? r : lab_port_counters("balancer", &out->balancer);
}

static struct lab_counters
since(const struct lab_counters *a, const struct lab_counters *b)
{
	return (struct lab_counters){
		.to_host_bytes = b->to_host_bytes - a->to_host_bytes,
		.to_host_frames = b->to_host_frames - a->to_host_frames,
		.from_host_bytes = b->from_host_bytes - a->from_host_bytes,
		.from_host_frames = b->from_host_frames - a->from_host_frames,
	};
}

void
demo_links_since(const struct demo_links *before,
	const struct demo_links *after, struct demo_links *out)
{
	out->client = since(&before->client, &after->client);
	out->balancer = since(&before->balancer, &after->balancer);
}

/* The node's own entry in its status; NULL when there is none. */
static const json_t *
find_self(const json_t *status)
{
	const json_t *nodes = json_object_get(status, "nodes");

	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *node = json_array_get(nodes, i);

		if (json_is_true(json_object_get(node, "self")))
			return json_object_get(node, "counters");
	}
	return NULL;
}

static bool
read_counter(const json_t *counters, const char *name, uint64_t *out)
{
	const json_t *v = json_object_get(counters, name);

	if (!json_is_integer(v))
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static bool
read_counters(const json_t *counters, struct demo_node *n)
{
	bool ok = counters != NULL;

#define DEMO_COUNTER(name) ok = ok && read_counter(counters, #name, &n->name);
	DEMO_COUNTERS(DEMO_COUNTER)
#undef DEMO_COUNTER
	return ok;
}

static int
ask_node(struct demo_node *n)
{
	own_free char *path = xasprintf("%s/%s.sock", lab_state_dir(), n->name);
	struct buf answer = {0};
	int r = admin_call(path, "status\n", 5, &answer);

	if (r == 0) {
		json_t *status =
			json_loadb(buf_len(&answer) ? buf_head(&answer) : "",
				buf_len(&answer), 0, NULL);

		r = read_counters(find_self(status), n) ? 0 : -EBADMSG;
		json_decref(status);
	}
	buf_fini(&answer);
	if (r < 0)
		fprintf(stderr, "demo: can't get the status of %s: %s\n",
			n->name, strerror(-r));
	return r;
}

/* "/img/01-300.jpg 200 21501" */
static void
count_fetch(struct demo_facts *f, struct str line)
{
	struct str target, status, bytes;
	uint64_t n = 0;
	long i = -1;

	if (str_split(&line, ' ', &target) && str_split(&line, ' ', &status) &&
		str_split(&line, ' ', &bytes) && str_eq(status, STR("200")) &&
		str_u64(bytes, INT64_MAX, &n) == 0) {
		own_free char *z = xstrndup(target.p, target.n);

		i = tree_find(f->tree, z);
	}
	if (i >= 0 && n == f->tree->files[i].size)
		f->fetches[i]++;
	else
		f->odd_fetches++;
}

static int
read_origin_log(struct demo_facts *f)
{
	own_file FILE *log = fopen(ORIGIN_ACCESS_LOG, "re");
	own_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!log) {
		fprintf(stderr, "demo: " ORIGIN_ACCESS_LOG ": %m\n");
		return -errno;
	}
	while ((n = getline(&line, &cap, log)) > 0)
		count_fetch(f, str_of(line, (size_t)n - 1));
	return 0;
}

int
demo_facts_gather(struct demo_facts *f)
{
	int r = 0;

	f->nodes = xcalloc(f->nnodes, sizeof(*f->nodes));
	f->fetches = xcalloc(f->tree->n, sizeof(*f->fetches));
	for (size_t i = 0; i < f->nnodes && r == 0; i++) {
		snprintf(f->nodes[i].name, sizeof(f->nodes[i].name), "n%zu",
			i + 1);
		r = ask_node(&f->nodes[i]);
	}
	return r < 0 ? r : read_origin_log(f);
}

void
demo_facts_fini(struct demo_facts *f)
{
	free(f->nodes);
	free(f->fetches);
}

uint64_t
demo_sum(const struct demo_facts *f, size_t counter)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->nnodes; i++)
		sum += *(const uint64_t *)(const void
				*)((const char *)&f->nodes[i] + counter);
	return sum;
}
