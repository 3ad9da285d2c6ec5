#include "proxy/pace.h"

#include "base/clock.h"

static void
add_wait(struct pace *p, uint64_t now_ns)
{
	if (p->since_ns)
		p->waited_ns += now_ns - p->since_ns;
}

void
pace_wait(struct pace *p, uint64_t now_ns)
{
	if (!p->since_ns)
		p->since_ns = now_ns;
}

void
pace_moved(struct pace *p, uint64_t now_ns, uint64_t n)
{
	add_wait(p, now_ns);
	p->since_ns = 0;
	p->bytes += n;
}

bool
pace_is_slow(struct pace *p, uint64_t now_ns, unsigned min_rate)
{
	uint64_t waited_ms;
	bool slow;

	if (!min_rate)
		return false;
	waited_ms = p->waited_ns;
	if (p->since_ns)
		waited_ms += now_ns - p->since_ns;
	waited_ms /= NS_PER_MS;
	if (waited_ms < PACE_WINDOW_S * 1000)
		return false;
	slow = p->bytes < min_rate * waited_ms / 1000;
	if (!slow)
		*p = (struct pace){.since_ns = p->since_ns ? now_ns : 0};
	return slow;
}
