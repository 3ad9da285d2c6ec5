#include "cache/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/poison.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; glibc 2.36 has no name for it */
#endif

enum {
	GRAIN_BYTES = 16, /* what is handed out is aligned to */
	BLOCK_MIN = 256 * 1024,
	BLOCK_HUGE = 2 * 1024 * 1024,
	BLOCKS_MIN = 64, /* in the whole, or else blocks are smaller */
};

#define NONE SIZE_MAX

struct pages {
	int fd;
	char *base; /* aligned to a block */
	void *map;
	size_t map_bytes;
	size_t block_bytes, nblocks;
	struct budget *budget; /* borrowed */

	pthread_mutex_t lock; /* guards the rest: taken when something is
				 stored or goes, not by hits */
	uint32_t *live;	      /* owned: bytes in use, of each block */
	uint8_t *kind;	      /* owned: enum pages_kind, of each block */
	size_t *idle;	      /* owned: a stack of blocks that are not in use */
	size_t nidle;
	struct {
		size_t block; /* that memory is taken from, or NONE */
		size_t taken; /* bytes of it */
	} open[PAGES_KINDS];
};

static size_t
block_bytes_for(uint64_t limit_bytes)
{
	size_t n = BLOCK_HUGE;

	while (n > BLOCK_MIN && n > limit_bytes / BLOCKS_MIN)
		n /= 2;
	return n;
}

/* Some room beyond the limit: the last object to come in may exceed it before
 * others are evicted for it. */
static int
map(struct pages *p, uint64_t limit_bytes)
{
	size_t bytes;

	p->block_bytes = block_bytes_for(limit_bytes);
	p->nblocks = limit_bytes / p->block_bytes * 5 / 4 + 8;
	bytes = p->nblocks * p->block_bytes;
	p->map_bytes = bytes + p->block_bytes;
	p->fd = memfd_create("sevenfold-cache", MFD_CLOEXEC);
	if (p->fd < 0 || ftruncate(p->fd, (off_t)bytes) < 0)
		return -1;
	/* Reserved with room to align, then the file over it. */
	p->map = mmap(NULL, p->map_bytes, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->map == MAP_FAILED)
		return -1;
	p->base = (char *)(((uintptr_t)p->map + p->block_bytes - 1) &
		~(uintptr_t)(p->block_bytes - 1));
	if (mmap(p->base, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    p->fd, 0) == MAP_FAILED)
		return -1;
	return 0;
}

struct pages *
pages_new(struct budget *budget)
{
	struct pages *p = NEW(struct pages);

	p->map = MAP_FAILED;
	p->budget = budget;
	for (int i = 0; i < PAGES_KINDS; i++)
		p->open[i].block = NONE;
	pthread_mutex_init(&p->lock, NULL);
	if (map(p, budget->limit_bytes) < 0) {
		pages_free(p);
		return NULL;
	}
	p->live = xcalloc(p->nblocks, sizeof(*p->live));
	p->kind = xcalloc(p->nblocks, sizeof(*p->kind));
	p->idle = xcalloc(p->nblocks, sizeof(*p->idle));
	while (p->nidle < p->nblocks) {
		p->idle[p->nidle] = p->nblocks - 1 - p->nidle;
		p->nidle++;
	}
	return p;
}

void
pages_free(struct pages *p)
{
	if (!p)
		return;
	if (p->base)
		unpoison(p->base, p->nblocks * p->block_bytes);
	if (p->map != MAP_FAILED)
		munmap(p->map, p->map_bytes);
	if (p->fd >= 0)
		close(p->fd);
	pthread_mutex_destroy(&p->lock);
	free(p->live);
	free(p->kind);
	free(p->idle);
	free(p);
}

static size_t
rounded(size_t n)
{
	return (n + GRAIN_BYTES - 1) & ~(size_t)(GRAIN_BYTES - 1);
}

/* Its pages go to whoever still has them queued, or nowhere. */
static void
recycle_locked(struct pages *p, size_t block)
{
	off_t at = (off_t)(block * p->block_bytes);

	CHECK(fallocate(p->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
		      (off_t)p->block_bytes) == 0);
	p->idle[p->nidle++] = block;
}

static void
close_locked(struct pages *p, enum pages_kind kind)
{
	size_t block = p->open[kind].block;

	p->open[kind].block = NONE;
	if (block != NONE && !p->live[block])
		recycle_locked(p, block);
}

static bool
open_locked(struct pages *p, enum pages_kind kind)
{
	size_t block;
	char *at;

	close_locked(p, kind);
	if (!p->nidle)
		return false;
	block = p->idle[--p->nidle];
	p->open[kind].block = block;
	p->open[kind].taken = 0;
	p->kind[block] = (uint8_t)kind;
	if (p->block_bytes < BLOCK_HUGE)
		return true;
	/* Not where the kernel has no huge page to give: then it is slower. */
	at = p->base + block * p->block_bytes;
	unpoison(at, 1);
	*(volatile char *)at = 0;
	poison(at, 1);
	(void)madvise(at, p->block_bytes, MADV_COLLAPSE);
	return true;
}

static bool
is_open(const struct pages *p, size_t block)
{
	return block == p->open[PAGES_NEW].block ||
		block == p->open[PAGES_MOVED].block;
}

char *
pages_get(struct pages *p, size_t n, enum pages_kind kind)
{
	char *at = NULL;

	CHECK(n > 0 && n <= PAGES_ALLOC_MAX);
	pthread_mutex_lock(&p->lock);
	if ((p->open[kind].block != NONE &&
		    p->open[kind].taken + rounded(n) <= p->block_bytes) ||
		open_locked(p, kind)) {
		size_t block = p->open[kind].block;

		at = p->base + block * p->block_bytes + p->open[kind].taken;
		p->open[kind].taken += rounded(n);
		p->live[block] += (uint32_t)rounded(n);
	}
	pthread_mutex_unlock(&p->lock);
	if (!at)
		return NULL;
	budget_add(p->budget, rounded(n));
	unpoison(at, n);
	return at;
}

static size_t
block_of(const struct pages *p, const void *at)
{
	return (size_t)((const char *)at - p->base) / p->block_bytes;
}

void
pages_put(struct pages *p, char *at, size_t n)
{
	size_t block = block_of(p, at);

	poison(at, n);
	n = rounded(n);
	pthread_mutex_lock(&p->lock);
	CHECK(p->live[block] >= n);
	p->live[block] -= (uint32_t)n;
	if (!p->live[block] && !is_open(p, block))
		recycle_locked(p, block);
	pthread_mutex_unlock(&p->lock);
	budget_sub(p->budget, n);
}

bool
pages_wanted_back(struct pages *p, const void *at)
{
	size_t block = block_of(p, at);
	bool wanted;

	pthread_mutex_lock(&p->lock);
	wanted = !is_open(p, block) &&
		(p->kind[block] == PAGES_NEW ||
			p->live[block] < p->block_bytes / 2);
	pthread_mutex_unlock(&p->lock);
	return wanted;
}

uint64_t
pages_lost_bytes(struct pages *p)
{
	uint64_t lost = 0;

	pthread_mutex_lock(&p->lock);
	lost = (p->nblocks - p->nidle) * p->block_bytes;
	for (size_t i = 0; i < p->nblocks; i++)
		lost -= p->live[i];
	pthread_mutex_unlock(&p->lock);
	return lost;
}

bool
pages_has(const struct pages *p, const void *at)
{
	const char *c = at;

	return c >= p->base && c < p->base + p->nblocks * p->block_bytes;
}

bool
pages_locate(const struct pages *p, const char *at, int *fd, int64_t *offset)
{
	if (!pages_has(p, at))
		return false;
	*fd = p->fd;
	*offset = at - p->base;
	return true;
}
