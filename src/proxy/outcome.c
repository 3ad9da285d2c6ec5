#include "proxy/outcome.h"

#include "http/vary.h"
#include "proxy/exchange.h"
#include "proxy/lookup.h"

/* Those who joined look whether it is so for them, too. */
static bool
is_instead(const struct exchange *x)
{
	const struct flight *f = x->flight;
	enum flight_phase phase = flight_phase(f);

	if (x->from != FROM_JOIN || phase == FLIGHT_WAITING)
		return phase == FLIGHT_INSTEAD;
	if (!f->instead || !vary_matches(object_selector(f->instead), &x->head))
		return false;
	return f->instead_of == 304 ? !f->private_
				    : lookup_is_reserve(x, f->instead);
}

static bool
is_anothers(const struct exchange *x)
{
	return x->from == FROM_JOIN &&
		flight_phase(x->flight) != FLIGHT_WAITING &&
		x->flight->private_;
}

static bool
is_unfit(const struct exchange *x)
{
	const struct flight *f = x->flight;

	if (x->from != FROM_JOIN)
		return false;
	switch (flight_phase(f)) {
	case FLIGHT_READY: return !vary_matches(f->selector, &x->head);
	case FLIGHT_INSTEAD: return !is_instead(x);
	case FLIGHT_FAILED:
	case FLIGHT_WAITING: break;
	}
	return false;
}

static bool
is_part(const struct exchange *x)
{
	return x->by_parts && flight_phase(x->flight) == FLIGHT_READY &&
		x->flight->response.status == 206;
}

enum outcome
outcome_of(const struct exchange *x)
{
	if (is_instead(x))
		return OUTCOME_INSTEAD;
	if (is_anothers(x))
		return OUTCOME_ANOTHERS;
	if (is_unfit(x))
		return OUTCOME_UNFIT;
	if (is_part(x))
		return OUTCOME_PART;
	switch (flight_phase(x->flight)) {
	case FLIGHT_READY: return OUTCOME_READY;
	case FLIGHT_FAILED: return OUTCOME_FAILED;
	case FLIGHT_INSTEAD:
	case FLIGHT_WAITING: break;
	}
	return OUTCOME_WAITING;
}
