#include "net/spin.h"

#include <sys/resource.h>

/* Was the thread made to leave its core since last time? */
static bool
is_contended(struct spin *s)
{
	struct rusage u;
	bool pushed;

	if (getrusage(RUSAGE_THREAD, &u) < 0)
		return true;
	pushed = u.ru_nivcsw != s->pushed_aside;
	s->pushed_aside = u.ru_nivcsw;
	return pushed;
}

void
spin_saw(struct spin *s, uint64_t now_ns, uint64_t waited_ns)
{
	if (waited_ns >= SPIN_NS || now_ns < s->off_until_ns) {
		s->short_waits = 0;
		return;
	}
	if (s->short_waits < SPIN_SHORT_WAITS)
		s->short_waits++;
	if (!spin_is_worth_it(s) || now_ns < s->look_at_ns)
		return;
	s->look_at_ns = now_ns + SPIN_LOOK_NS;
	if (is_contended(s)) {
		s->short_waits = 0;
		s->off_until_ns = now_ns + SPIN_OFF_NS;
	}
}
