/*
 * See decoder.h. A seccomp filter is a thread's own: the one that decodes is
 * under the distiller's, to the letter, while libFuzzer's stays outside, where
 * it opens its corpus, sets its timer and has leaks looked for. So nothing is
 * allowed for its sake. What the filter forbids ends the process, which then
 * can't say of which input it died: that is put aside before, as "current"
 * beside libFuzzer's artifacts.
 *
 * The libraries are Debian's, without a sanitizer: an input ends where a page
 * ends that nobody may read beyond.
 */
#include "decoder.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/own.h"
#include "distill/distill.h"
#include "distill/sniff.h"
#include "prog/sandbox.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum {
	HEAD = 4,
	PAGE = 4096,
	ROOM = 256 * PAGE,
	PIXELS_MAX = 1 << 18, /* or it is too slow to find much */
};

static struct {
	struct order order;
	struct str in;
} job;
static sem_t go, done;
static char *room; /* of ROOM bytes */
static int current = -1;

/* --- inside --------------------------------------------------------------- */

static void
check_result(const struct order *o, const struct distilled *d)
{
	struct sniff s;

	CHECK(buf_len(&d->bytes) < o->bytes);
	CHECK(sniff(buf_view(&d->bytes), &s));
	CHECK(s.type == d->type);
	CHECK(!o->width || s.width <= o->width);
}

static void *
inside(void *none)
{
	const struct sandbox limits = {.memory_bytes = (size_t)1 << 30,
		.files = 64}; /* the process's, so libFuzzer's too */
	enum result result;
	struct distilled d;

	CHECK(sandbox_enter(&limits) == 0);
	for (;;) {
		(void)sem_post(&done);
		while (sem_wait(&go) < 0)
			;
		result = distill(&job.order, job.in, &d);
		if (result == RESULT_DONE)
			check_result(&job.order, &d);
		/* Then it would be tried again and again. */
		CHECK(result != RESULT_FAILED);
		buf_fini(&d.bytes);
	}
	return none;
}

/* --- outside -------------------------------------------------------------- */

static void
start_thread(void)
{
	sigset_t timers, before;
	pthread_t thread;

	/* They are libFuzzer's, and for its own thread. */
	sigemptyset(&timers);
	sigaddset(&timers, SIGALRM);
	sigaddset(&timers, SIGINT);
	sigaddset(&timers, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &timers, &before);
	CHECK(sem_init(&go, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
	CHECK(pthread_create(&thread, NULL, inside, NULL) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (sem_wait(&done) < 0)
		;
	/* The sandbox forbids looking at the process, as LeakSanitizer does. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void
start(void)
{
	room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(room != MAP_FAILED);
	CHECK(mprotect(room + ROOM, PAGE, PROT_NONE) == 0);
	start_thread();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct str flag = STR("-artifact_prefix=");

	for (int i = 1; i < *argc; i++) {
		own_free char *path = NULL;

		if (!str_starts(str_z((*argv)[i]), flag))
			continue;
		path = xasprintf("%scurrent", (*argv)[i] + flag.n);
		current = open(
			path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	return 0;
}

static void
put_aside(const uint8_t *data, size_t size)
{
	CHECK(ftruncate(current, (off_t)size) == 0);
	CHECK(pwrite(current, data, size, 0) == (ssize_t)size);
}

/* Or nearly every change ends at a check sum. */
static void
mend_png(char *p, size_t n)
{
	size_t at = 8;

	while (n - at >= 12) {
		const unsigned char *c = (const unsigned char *)p + at;
		size_t bytes =
			(size_t)c[0] << 24 | c[1] << 16 | c[2] << 8 | c[3];
		uint32_t sum;

		if (bytes > n - at - 12)
			return;
		sum = libdeflate_crc32(0, c + 4, bytes + 4);
		at += 8 + bytes;
		for (int i = 3; i >= 0; i--, sum >>= 8)
			p[at + (size_t)i] = (char)sum;
		at += 4;
	}
}

static bool
mend(enum image_type type, bool sums, char *p, size_t n)
{
	static const struct str magic[TYPES] = {
		[TYPE_JPEG] = {"\xff\xd8\xff", 3},
		[TYPE_PNG] = {"\x89PNG\r\n\x1a\n", 8},
		[TYPE_GIF] = {"GIF89a", 6},
		[TYPE_WEBP] = {"RIFF", 4},
	};

	if (n < 12)
		return false;
	memcpy(p, magic[type].p, magic[type].n);
	if (type == TYPE_WEBP)
		memcpy(p + 8, "WEBP", 4);
	if (type == TYPE_PNG && sums)
		mend_png(p, n);
	return true;
}

void
decoder_fuzz(enum image_type type, const uint8_t *data, size_t size)
{
	struct order o = {.magic = ORDER_MAGIC, .kind = ORDER_IMAGE};
	struct sniff s;
	char *in;

	if (size <= HEAD || size > ROOM)
		return;
	if (!room)
		start();
	o.bytes = (uint32_t)(size - HEAD);
	/* AVIF is slow to write, and what it reads is not the client's. */
	o.formats = data[0] & (ORDER_FORMATS & ~ORDER_AVIF);
	o.quality = (uint8_t)(data[1] % 100 + 1);
	o.width = data[2];
	o.halve = data[3] & 1;
	in = memcpy(room + ROOM - o.bytes, data + HEAD, o.bytes);
	if (!mend(type, !(data[3] & 2), in, o.bytes))
		return;
	if (sniff(str_of(in, o.bytes), &s) && sniff_pixels(&s) > PIXELS_MAX &&
		sniff_pixels(&s) <= ORDER_PIXELS_MAX)
		return;
	if (current >= 0)
		put_aside(data, size);
	job.order = o;
	job.in = str_of(in, o.bytes);
	(void)sem_post(&go);
	while (sem_wait(&done) < 0)
		;
}
