/*
 * The hand-off of a connection between two nodes (src/handoff/move.h), with the
 * client's packets and the nodes' flows (src/handoff/abi.h). Each node may give
 * the connection to the other, again and again. The channel between them is
 * reliable and in order until it breaks, which either end learns of at any time
 * after; what was sent before may then be lost, from some message on.
 *
 * Claims:
 *	one voice	never are both nodes the client's server
 *	no stranger	no packet meets a TCP that does not know the
 *			connection, unless a node was lost behind GO
 *	no circle	no packet is forwarded more than HOPS times, with the
 *			same exception
 *
 *	spin -a handoff.pml && cc -O2 -o pan pan.c && ./pan
 */
#define HOPS 4
#define MOVES 3 /* in all, by either */
#define SLOTS (HOPS + 1)
#define PACKETS 2 /* of the client's under way at a time */

mtype = { MOVE, TAKEN, REFUSED, GO, CANCEL };
/* Where a node's flow sends packets. */
mtype = { OURS, PARK, FORWARD };
/* What a node has of the connection. */
mtype = { NOTHING, SERVES, GIVES, HOLDS };

/* What the other node says, and about which move. */
chan to[2] = [4] of { mtype, byte };
byte stream[2] = 0;		/* the move that this node is busy with */
mtype flow[2] = OURS;
mtype has[2] = NOTHING;
mtype before[2] = OURS;		/* the taker's flow, to be put back */
byte parked[2] = 0;
bool broken = false;		/* the channel */
bool knows[2] = false;		/* ... and this node has noticed */
bool died = false;		/* a GO was lost */
byte moves = 0;

byte packets = 0;		/* under way, in all */
byte wire[2 * SLOTS];		/* by the node they come to next, and hops */

inline say(me, what, nr) {
	if
	:: !broken -> to[1 - me] ! what, nr
	:: broken
	fi
}

/* All that is parked goes where the flow says now. */
inline flush(me) {
	wire[me * SLOTS] = wire[me * SLOTS] + parked[me];
	parked[me] = 0
}

/* One of the client's packets, at a node, after so many hops. */
inline arrives(at, hops) {
	wire[at * SLOTS + hops]--;
	if
	:: flow[at] == PARK -> parked[at]++
	:: flow[at] == FORWARD && hops < HOPS ->
		wire[(1 - at) * SLOTS + hops + 1]++
	:: flow[at] == FORWARD && hops == HOPS ->
		assert(died); /* then it is reset */
		packets--
	:: flow[at] == OURS ->
		/* A socket that is taken apart would have it, and lose it. */
		assert(has[at] == SERVES || died);
		packets--
	fi
}

/* The balancer sends all to node 0, which got the connection; any packet may be
 * the next to arrive. */
proctype network()
{
	byte i;

	do
	:: atomic { packets < PACKETS && !died -> packets++; wire[0]++ }
	:: atomic { select(i : 0 .. 2 * SLOTS - 1);
		if
		:: wire[i] > 0 -> arrives((i / SLOTS), (i % SLOTS))
		:: else
		fi }
	od
}

proctype node(byte me)
{
	mtype m;
	byte nr;

	do
	:: atomic { has[me] == SERVES && !knows[me] && moves < MOVES ->
		moves++; stream[me] = moves; flow[me] = PARK };
		atomic { has[me] = GIVES; say(me, MOVE, stream[me]); }
	:: atomic { has[me] == SERVES && flow[me] == OURS && moves < MOVES ->
		moves++; flow[me] = PARK };
		atomic { flow[me] = OURS; flush(me) }
	/* It is late, or something has come that the taker does not know of. */
	:: atomic { has[me] == GIVES -> has[me] = SERVES; say(me, CANCEL, stream[me]);
		flow[me] = OURS; flush(me) }
	:: atomic { !knows[me] && nempty(to[me]) -> to[me] ? m, nr;
		if
		:: m == MOVE -> before[me] = flow[me]; assert(has[me] == NOTHING);
			if
			:: flow[me] = PARK; has[me] = HOLDS; stream[me] = nr;
				say(me, TAKEN, nr)
			:: say(me, REFUSED, nr)
			fi
		:: m == TAKEN ->
			if
			:: has[me] == GIVES && stream[me] == nr -> has[me] = NOTHING;
				flow[me] = FORWARD; flush(me);
				if
				:: broken -> died = true
				:: else -> say(me, GO, nr)
				fi
			:: else /* we have cancelled */
			fi
		:: m == REFUSED ->
			if
			:: has[me] == GIVES && stream[me] == nr -> has[me] = SERVES;
				flow[me] = OURS; flush(me)
			:: else
			fi
		:: m == GO -> assert(has[me] == HOLDS && stream[me] == nr);
			has[me] = SERVES; flow[me] = OURS; flush(me)
		:: m == CANCEL ->
			if
			:: has[me] == HOLDS && stream[me] == nr ->
				has[me] = NOTHING; flow[me] = before[me]; flush(me)
			:: else
			fi
		fi }
	:: atomic { broken && !knows[me] -> knows[me] = true;
		do
		:: to[me] ? m, nr ->
			if
			:: m == GO -> died = true
			:: else
			fi
		:: empty(to[me]) -> break
		od;
		if
		:: has[me] == GIVES -> has[me] = SERVES; flow[me] = OURS;
			flush(me)
		/* The giver may have it. */
		:: has[me] == HOLDS -> has[me] = NOTHING;
			flow[me] = FORWARD; flush(me)
		:: else
		fi }
	od
}

proctype fate()
{
	broken = true
}

/* One voice: neither while it is given, nor after. */
active proctype watch()
{
	atomic {
		(has[0] == SERVES || has[0] == GIVES) &&
			(has[1] == SERVES || has[1] == GIVES) -> assert(false)
	}
}

init
{
	atomic {
		has[0] = SERVES;
		run network();
		run node(0);
		run node(1);
		run fate()
	}
}
