/* Says so when flows find no room in the table: see balancer.h. */
#include "prog/balancer.h"

#include "base/clock.h"
#include "base/log.h"
#include "l4/balancer.h"
#include "l4/xdp.h"

#define SAY_AGAIN_NS (60 * NS_PER_S)

void
watch_room(struct program *p, uint64_t now_ns)
{
	const struct l4_image *i =
		p->balancer ? balancer_image(p->balancer) : NULL;
	uint64_t count[L4_VERDICTS], untracked, refused, before = p->no_room;

	if (!i || (p->no_room_said_ns && now_ns < p->no_room_said_ns))
		return;
	balancer_verdicts(i, count);
	untracked = count[L4_tx_untracked];
	refused = count[L4_drop_nat_room] + count[L4_drop_fragment_room];
	p->no_room = untracked + refused;
	/* what an earlier process left is no news */
	if (!p->no_room_said_ns || p->no_room == before) {
		p->no_room_said_ns = now_ns;
		return;
	}
	p->no_room_said_ns = now_ns + SAY_AGAIN_NS;
	log_warn("flow_table_full untracked=%llu refused=%llu used=%llu "
		 "room=%llu hint=\"more flows than the table is for, or too "
		 "many began at once: see 'flows' in sevenfold.conf(5)\"",
		(unsigned long long)untracked, (unsigned long long)refused,
		(unsigned long long)xdp_used(p->xdp),
		(unsigned long long)i->n_buckets * L4_WAYS / 2);
}
