#include "proxy/distiller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "proxy/child.h"

enum {
	QUEUE_MAX = 64,
	TURN_BYTES = 256 * 1024, /* copied in a turn of the loop */
	SLICES = 16,
	JOB_MS = 10000,
	AGAIN_MS = 1000,      /* between two starts of the process */
	NEVER_S = 30 * 86400, /* the same bytes give the same */
	RETRY_S = 60, /* perhaps it was not their fault; then twice as long */
};

enum job_state { JOB_WAIT, JOB_FILL, JOB_SENT, JOB_TAKE };

struct job {
	struct list link; /* in the distiller's queue */
	enum job_state state;
	struct order order;
	uint32_t retry_s;	 /* should it be lost */
	struct object *original; /* counted */
	struct flight *flight;	 /* counted; we write it */
	int fd;			 /* owned: the memory; -1 */
	struct reader reader;	 /* of the original */
	const char *result;	 /* owned: the memory, mapped; or NULL */
	uint32_t result_bytes, taken_bytes;
};

struct distiller {
	struct worker *worker; /* borrowed */
	struct list queue;
	unsigned queued;
	struct job *job; /* owned: the one it works on */
	struct source io;
	pid_t pid; /* 0: there is no process */
	uint64_t start_ns;
	uint32_t last_id;
	struct timer timer; /* the next step, or the job's deadline */
};

/* --- the process ---------------------------------------------------------- */

static int
start(struct distiller *d)
{
	int fd, r;

	d->start_ns = loop_now_ns(d->worker->loop);
	fd = child_start("distiller", &d->pid);
	if (fd < 0)
		return fd;
	r = loop_watch(d->worker->loop, &d->io, fd);
	if (r < 0) {
		close(fd);
		(void)child_end(d->pid);
		d->pid = 0;
	}
	return r;
}

/* It has ended, or is to. why: NULL when that is our own wish. */
static void
stop(struct distiller *d, const char *why)
{
	int status;

	loop_close(d->worker->loop, &d->io);
	if (!d->pid)
		return;
	status = child_end(d->pid);
	d->pid = 0;
	if (why)
		log_warn("distiller_ended worker=%u why=\"%s\" signal=%d "
			 "status=%d key=%s",
			d->worker->index, why,
			WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			d->job ? log_quote(flight_key(d->job->flight)).z : "");
}

static bool
is_running(struct distiller *d)
{
	uint64_t again_ns = d->start_ns + AGAIN_MS * NS_PER_MS;
	int r;

	if (d->pid)
		return true;
	if (d->start_ns && loop_now_ns(d->worker->loop) < again_ns)
		return false;
	r = start(d);
	if (r < 0)
		log_warn("distiller_failed worker=%u error=\"%s\"",
			d->worker->index, strerror(-r));
	return r == 0;
}

/* --- the end of a job ----------------------------------------------------- */

static void
free_job(struct job *j)
{
	reader_detach(&j->reader);
	if (j->result)
		munmap((void *)(uintptr_t)j->result, j->order.bytes);
	if (j->fd >= 0)
		close(j->fd);
	object_unref(j->original);
	flight_unref(j->flight);
	free(j);
}

/* There is no result, nor will there be one for a while. */
static void
refuse(struct distiller *d, struct job *j, uint32_t for_s, const char *why)
{
	struct worker *w = d->worker;

	store_mark(w->node->store, flight_key(j->flight), loop_wall_s(w->loop),
		for_s);
	store_depart(w->node->store, j->flight);
	flight_fail(j->flight, 503, why);
	free_job(j);
}

static void next(struct distiller *d);

static void
fail(struct distiller *d, const char *why)
{
	struct job *j = take_ptr(&d->job);

	count(&d->worker->counters.distill_failed, 1);
	loop_disarm(d->worker->loop, &d->timer);
	refuse(d, j, j->retry_s, why);
	next(d);
}

static void
keep(struct distiller *d)
{
	struct job *j = take_ptr(&d->job);
	struct counters *c = &d->worker->counters;

	count(&c->distilled, 1);
	count(&c->distilled_from_bytes, j->order.bytes);
	count(&c->distilled_to_bytes, j->result_bytes);
	flight_end(j->flight, STR(""));
	store_keep(d->worker->node->store, j->flight);
	store_trim(d->worker->node->store);
	free_job(j);
	next(d);
}

/* --- its steps: each as much as a turn of the loop allows ----------------- */

static void
soon(struct distiller *d)
{
	loop_arm(d->worker->loop, &d->timer, 0);
}

/* A result is written in the input's place, so it is of that size for good. */
static int
make_memory(uint32_t bytes)
{
	own_fd int fd = memfd_create("distil", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, bytes) < 0 ||
		fcntl(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

static void
send_order(struct distiller *d)
{
	struct job *j = d->job;
	struct iovec part = {&j->order, sizeof(j->order)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &j->fd, sizeof(int));
	j->state = JOB_SENT;
	loop_arm(d->worker->loop, &d->timer, JOB_MS * NS_PER_MS);
	if (sendmsg(d->io.fd, &m, MSG_NOSIGNAL) < 0) {
		stop(d, "it takes no order");
		fail(d, "the distiller ended");
	}
}

static void
fill(struct distiller *d)
{
	struct job *j = d->job;
	struct iovec v[SLICES];
	struct str s[SLICES];
	size_t n = reader_peek(&j->reader, s, SLICES), sum = 0, i;
	ssize_t done;

	for (i = 0; i < n && sum < TURN_BYTES; i++) {
		v[i] = (struct iovec){(void *)(uintptr_t)s[i].p, s[i].n};
		sum += s[i].n;
	}
	if (i == 0) {
		send_order(d);
		return;
	}
	done = writev(j->fd, v, (int)i);
	if (done <= 0) {
		fail(d, "no memory");
		return;
	}
	reader_advance(&j->reader, (size_t)done);
	soon(d);
}

static void
take(struct distiller *d)
{
	struct job *j = d->job;
	size_t n = j->result_bytes - j->taken_bytes;

	if (n > TURN_BYTES)
		n = TURN_BYTES;
	body_append(&j->flight->body, j->result + j->taken_bytes, n);
	j->taken_bytes += (uint32_t)n;
	if (j->taken_bytes == j->result_bytes)
		keep(d);
	else
		soon(d);
}

static void
begin_take(struct distiller *d, const struct report *r)
{
	struct job *j = d->job;
	struct response response = {.status = 200, .length = r->bytes};
	struct buf own = {0};
	void *p = mmap(NULL, j->order.bytes, PROT_READ, MAP_SHARED, j->fd, 0);

	if (p == MAP_FAILED) {
		fail(d, "no memory");
		return;
	}
	j->state = JOB_TAKE;
	j->result = p;
	j->result_bytes = r->bytes;
	recipe_put_own(&j->order, r->type, object_fields(j->original),
		XXH64(p, r->bytes, 0), &own);
	response.fields = buf_view(&own);
	response.born_s = loop_wall_s(d->worker->loop);
	response.fresh.lifetime_s = NEVER_S;
	flight_ready(j->flight, &response);
	buf_fini(&own);
	take(d);
}

/* What the distiller says is that of a process which read what anybody made. */
static void
on_report(struct distiller *d, struct str text)
{
	struct counters *c = &d->worker->counters;
	struct report r;

	if (!d->job || d->job->state != JOB_SENT ||
		!report_parse(text, &d->job->order, &r)) {
		stop(d, "it makes no sense");
		if (d->job)
			fail(d, "the distiller makes no sense");
		return;
	}
	loop_disarm(d->worker->loop, &d->timer);
	count(&c->distill_cpu_us, r.cpu_us);
	count(&c->distill_pixels, (uint64_t)r.pixels * 1000);
	switch ((enum result)r.outcome) {
	case RESULT_DONE: begin_take(d, &r); return;
	case RESULT_FAILED: fail(d, "the distiller lacks something"); return;
	default: break;
	}
	count(r.outcome == RESULT_BROKEN || r.outcome == RESULT_TOO_LARGE
			? &c->distill_refused
			: &c->distill_left,
		1);
	refuse(d, take_ptr(&d->job), NEVER_S, "it stays as it is");
	next(d);
}

static void
on_io(struct source *s, uint32_t events)
{
	struct distiller *d = container_of(s, struct distiller, io);
	char text[sizeof(struct report) + 1];
	ssize_t n = 0;

	(void)events;
	while (s->fd >= 0 && (n = recv(s->fd, text, sizeof(text), 0)) > 0)
		on_report(d, str_of(text, (size_t)n));
	if (s->fd < 0 || (n < 0 && errno == EAGAIN))
		return;
	stop(d, "it died");
	if (d->job && d->job->state != JOB_TAKE)
		fail(d, "the distiller ended");
}

static void
on_timer(struct timer *t)
{
	struct distiller *d = container_of(t, struct distiller, timer);

	switch (d->job->state) {
	case JOB_FILL: fill(d); break;
	case JOB_TAKE: take(d); break;
	case JOB_WAIT:
	case JOB_SENT:
		stop(d, "it took too long");
		fail(d, "the distiller took too long");
		break;
	}
}

/* --- orders --------------------------------------------------------------- */

static void
next(struct distiller *d)
{
	struct list *it;

	while (!d->job && (it = list_pop_front(&d->queue))) {
		struct job *j = container_of(it, struct job, link);

		d->queued--;
		d->job = j;
		j->fd = make_memory(j->order.bytes);
		if (j->fd < 0 || !is_running(d)) {
			count(&d->worker->counters.distill_failed, 1);
			refuse(d, take_ptr(&d->job), j->retry_s,
				"no distiller");
			continue;
		}
		j->state = JOB_FILL;
		object_read(j->original, &j->reader);
		soon(d);
	}
}

static void
on_progress(struct reader *r)
{
	(void)r; /* it is all there */
}

static uint32_t
retry_s(uint32_t gave_up_s)
{
	if (gave_up_s < RETRY_S)
		return RETRY_S;
	return gave_up_s < NEVER_S / 2 ? 2 * gave_up_s : NEVER_S;
}

void
distiller_take(struct distiller *d, const struct distiller_job *job)
{
	struct job *j = NEW(struct job);

	j->fd = -1;
	j->order = job->order;
	j->order.id = ++d->last_id;
	j->order.bytes = (uint32_t)job->original->length;
	j->retry_s = retry_s(job->gave_up_s);
	j->original = object_ref(job->original);
	j->flight = flight_ref(job->flight);
	j->reader.on_progress = on_progress;
	if (d->queued == QUEUE_MAX) {
		count(&d->worker->counters.distill_busy, 1);
		refuse(d, j, 1, "the distiller is busy");
		return;
	}
	d->queued++;
	/* Text is a matter of milliseconds. */
	if (j->order.kind == ORDER_TEXT)
		list_push_front(&d->queue, &j->link);
	else
		list_push_back(&d->queue, &j->link);
	next(d);
}

struct distiller *
distiller_new(struct worker *w)
{
	struct distiller *d = NEW(struct distiller);

	d->worker = w;
	d->io = (struct source){.fd = -1, .on_io = on_io};
	d->timer.on_timer = on_timer;
	list_init(&d->queue);
	return d;
}

void
distiller_free(struct distiller *d)
{
	struct list *it;

	if (!d)
		return;
	loop_disarm(d->worker->loop, &d->timer);
	stop(d, NULL);
	if (d->job)
		refuse(d, d->job, 0, "shutting down");
	while ((it = list_pop_front(&d->queue)))
		refuse(d, container_of(it, struct job, link), 0,
			"shutting down");
	free(d);
}
