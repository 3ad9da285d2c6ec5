/* See load.h and load_run.h: a run, from its beginning to its end. */
#include "bench/load_run.h"

#include "admin/human.h"
#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROGRESS_NS (250 * NS_PER_MS)

static const char *const outcome_texts[] = {
#define LOAD_OUTCOME(id, text) text,
#include "bench/load_outcome.def"
#undef LOAD_OUTCOME
};

const char *
load_outcome_text(enum load_outcome o)
{
	CHECK(o < LOAD_OUTCOMES);
	return outcome_texts[o];
}

uint64_t
load_requests(const struct load_result *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LOAD_OUTCOMES; i++)
		n += r->outcomes[i];
	return n;
}

uint64_t
load_wrong(const struct load_result *r)
{
	return load_requests(r) - r->outcomes[LOAD_RIGHT];
}

/* When request number i of an open loop is due. */
static uint64_t
due_ns(const struct run *run, uint64_t i)
{
	return run->began_ns + (uint64_t)((double)i * 1e9 / run->load->rate);
}

bool
run_next(struct run *run, struct client *c)
{
	const struct load *l = run->load;

	c->req = (struct load_request){.client = (unsigned)(c - run->clients)};
	if (run->ending)
		return false;
	if (!l->next(l->ctx, &c->req)) {
		run->dry = true;
		return false;
	}
	if (l->rate > 0)
		c->due_ns = due_ns(run, run->taken);
	else
		c->due_ns =
			c->req.wait_ns ? clock_mono_ns() + c->req.wait_ns : 0;
	run->taken++;
	return true;
}

/* Those that wait for a request to be due have nothing under way. */
static void
on_deadline(struct timer *t)
{
	struct run *run = container_of(t, struct run, deadline);
	const struct load *l = run->load;

	run->ending = true;
	if (l->rate > 0 && !run->dry) {
		uint64_t due =
			(uint64_t)(l->rate * (double)l->duration_ns / 1e9);

		run->result->unsent = due > run->taken ? due - run->taken : 0;
	}
	for (unsigned i = 0; i < l->connections; i++)
		client_dismiss(&run->clients[i]);
}

static void
print_progress(const struct run *run, double s)
{
	const struct load_result *r = run->result;
	const struct hist *h = &r->latency_ns;
	double all_s = (double)run->load->duration_ns / 1e9;

	fprintf(stderr,
		"\r\033[K  %llu requests  %.0f/s  %.1f MB/s  p50 %.1f ms  "
		"p99 %.1f ms  %llu wrong",
		(unsigned long long)load_requests(r),
		(double)load_requests(r) / s, (double)r->body_bytes / 1e6 / s,
		(double)hist_quantile(h, 0.5) / 1e6,
		(double)hist_quantile(h, 0.99) / 1e6,
		(unsigned long long)load_wrong(r));
	if (run->load->expected)
		fprintf(stderr, "  %s done",
			human_share(load_requests(r), run->load->expected).z);
	else if (all_s > s)
		fprintf(stderr, "  %.0f s left", ceil(all_s - s));
}

static void
on_progress(struct timer *t)
{
	struct run *run = container_of(t, struct run, progress);

	print_progress(run, (double)(clock_mono_ns() - run->began_ns) / 1e9);
	loop_arm(run->loop, &run->progress, PROGRESS_NS);
}

static void
start_timers(struct run *run)
{
	run->deadline.on_timer = on_deadline;
	if (run->load->duration_ns)
		loop_arm(run->loop, &run->deadline, run->load->duration_ns);
	run->progress.on_timer = on_progress;
	if (run->load->progress && isatty(STDERR_FILENO))
		loop_arm(run->loop, &run->progress, PROGRESS_NS);
}

static void
start_clients(struct run *run)
{
	run->active = run->load->connections;
	run->clients = xcalloc(run->active, sizeof(*run->clients));
	for (unsigned i = 0; i < run->load->connections; i++)
		client_init(&run->clients[i], run);
	for (unsigned i = 0; i < run->load->connections; i++)
		client_run(&run->clients[i]);
}

static void
run_fini(struct run *run)
{
	for (unsigned i = 0; i < run->load->connections; i++)
		client_fini(&run->clients[i]);
	loop_disarm(run->loop, &run->deadline);
	loop_disarm(run->loop, &run->progress);
	free(run->clients);
	loop_free(run->loop);
}

int
load_run(const struct load *l, struct load_result *out)
{
	struct run run = {.load = l, .result = out, .loop = loop_new()};

	if (!run.loop)
		return -errno;
	CHECK(l->connections > 0);
	*out = (struct load_result){0};
	run.began_ns = clock_mono_ns();
	start_timers(&run);
	start_clients(&run);
	loop_run(run.loop);
	out->elapsed_ns = clock_mono_ns() - run.began_ns;
	if (run.progress.slot)
		fputs("\r\033[K", stderr);
	run_fini(&run);
	return 0;
}
