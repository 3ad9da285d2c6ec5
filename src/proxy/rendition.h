#pragma once
/*
 * struct rendition: what an exchange gets of an original that is to be
 * distilled: the distilled one, if it is stored; or, while that is made (once,
 * whoever asks), the original, or nothing until it is there or the site's
 * patience ends.
 *
 * A result lies in the store beside its original, under a key of its own:
 *
 *	KEY#=SERIAL-NAME	as http://a/b.png#=1f-2-640-75
 *
 * where SERIAL is that of the flight that brought the original. So it is found
 * only by way of the original, which says whether it may be used; and when
 * that is replaced or gone, nobody finds it any more, and it is evicted. It is
 * purged with it.
 */
#include "cache/object.h"
#include "distill/recipe.h"
#include "net/loop.h"

struct exchange;

struct rendition {
	const struct distill_rules *rules; /* borrowed; NULL: nothing to do */
	bool original;			   /* wanted as it is */
	bool holds;			   /* the answer waits */
	bool over;			   /* as long as the site lets it */
	uint64_t by_ns;			   /* so long; 0: it has not begun */
	struct class class;
	struct flight *making; /* counted; the result on its way, or NULL */
	struct reader ear;     /* of it */
	struct timer timer;
};

void rendition_init(struct exchange *x);
/* By its route and head. */
void rendition_begin(struct exchange *x);
/* Is the response, which is on its way, to be waited for as a whole? */
bool rendition_awaits(const struct exchange *x);
/* What is stored has become the answer: a rendition of it may take its place,
 * or holds it. */
void rendition_choose(struct exchange *x);
/* Something has come. The original, if it is complete now and to be the answer:
 * a reference of the caller's; or NULL. */
struct object *rendition_look(struct exchange *x);
/* It is no longer about this answer. */
void rendition_leave(struct exchange *x);
/* What the answer depends on, for those behind us. */
void rendition_put_vary(const struct exchange *x, struct buf *out);
