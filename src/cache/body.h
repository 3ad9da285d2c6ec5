#pragma once
/*
 * struct body: a run of bytes with one writer and any number of readers, who
 * may be in other threads and may come while it is being written. It is what
 * every answer streams through: from an origin or a peer on one side, to
 * clients and peers on the other.
 *
 * A body keeps all its bytes (a cache object's) until it is released; from
 * then on, or from the start if it was made transient, bytes that all readers
 * have passed are freed, and the writer is to hold back while the slowest
 * reader is more than BODY_WINDOW behind. A transient body without readers is
 * an orphan: its writer may give up. A body that is transient from the start
 * has one reader, who is attached before the first byte.
 *
 * Bytes sit in chunks linked in order. A chunk's length and next are published
 * with release stores, so reading takes no lock. While the body is open every
 * reader counts a reference on the chunk that it stands on, and each chunk one
 * on the next: what is behind everybody frees itself.
 */
#include "base/list.h"
#include "base/str.h"
#include "cache/chunk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { BODY_WINDOW = 256 * 1024 };

struct body;

struct reader {
	struct body *body; /* borrowed; NULL: not attached */
	/* Counted if `counted`. The reader's own, but that it is set from NULL
	 * with the body's lock held, by body_release() too. */
	struct chunk *_Atomic at;
	struct str flat; /* of what is read in one piece: the rest of it */
	uint32_t offset; /* in at */
	bool counted;
	_Atomic uint64_t pos; /* bytes taken so far */
	uint64_t told;	      /* pos when the writer was last told */
	struct list link;     /* in body->readers; guarded by its lock */
	/* More bytes, the head, the end, a failure: look again. Called from
	 * any thread with the body's lock held: it may only post a wake. */
	void (*on_progress)(struct reader *r);
};

/* The writer's ear; the same rule as for on_progress. */
struct tap {
	/* of a transient body: bytes were taken, or the last reader left */
	void (*on_consumed)(struct tap *t);
};

enum body_state { BODY_OPEN, BODY_DONE, BODY_FAILED };

struct body {
	struct budget *budget; /* borrowed */
	pthread_mutex_t lock;  /* guards readers, tap, first and transient;
				  taken per wait, not per byte */
	struct list readers;
	struct tap *tap; /* borrowed; NULL: nobody writes any more */
	struct chunk *_Atomic first; /* counted; NULL when released */
	struct chunk *last;	     /* the writer's */
	_Atomic uint64_t filled;
	_Atomic int state; /* enum body_state */
	_Atomic bool transient;
};

void body_init(struct body *b, struct budget *budget, bool transient);
/* No reader may be attached. */
void body_fini(struct body *b);

/* --- the writer ---------------------------------------------------------- */
void body_set_tap(struct body *b, struct tap *t);
/* Room to write into, *n bytes of it, never 0; hint: how much is to come, 0
 * when that is not known. */
char *body_room(struct body *b, size_t hint, size_t *n);
/* n bytes of the room are content now; readers are told. */
void body_commit(struct body *b, size_t n);
void body_append(struct body *b, const void *p, size_t n);
/* DONE or FAILED; readers are told. Once. */
void body_end(struct body *b, enum body_state state);
/* Tells the readers to look again (the head came, say). */
void body_notify(struct body *b);
/* Keeps nothing for later readers any more: see above. */
void body_release(struct body *b);
/* How much more the writer may write now: SIZE_MAX unless transient. */
size_t body_window(struct body *b);
/* Bytes that all readers have taken. */
uint64_t body_consumed(struct body *b);
bool body_orphaned(struct body *b);
/* By more readers than one: once released, it goes at the slowest one's pace.
 */
bool body_is_shared(struct body *b);

/* Its first chunk, counted, and with it all that follow; NULL when it is empty.
 * It must be kept, and complete. */
struct chunk *body_first(struct body *b);

/* --- a reader ------------------------------------------------------------ */
/* Starts at the first byte. -ESTALE when that has been released already. */
int reader_attach(struct reader *r, struct body *b);
/* The same for what is complete, and stays at least as long as the reader: a
 * run of bytes, or of chunks. */
void reader_attach_flat(struct reader *r, struct str s);
void reader_attach_chunks(struct reader *r, struct chunk *first);
/* Harmless when not attached. on_progress() is not called afterwards. */
void reader_detach(struct reader *r);
/* The next bytes, as up to max slices; 0 when there are none for now. They
 * stay valid until reader_advance(). Neighbours in memory come as one. */
size_t reader_peek(struct reader *r, struct str *slices, size_t max);
void reader_advance(struct reader *r, size_t n);

static inline enum body_state
body_state(const struct body *b)
{
	return (enum body_state)atomic_load_explicit(
		&b->state, memory_order_acquire);
}

static inline uint64_t
body_filled(const struct body *b)
{
	return atomic_load_explicit(&b->filled, memory_order_acquire);
}
