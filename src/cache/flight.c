#include "cache/flight.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "cache/object.h"

static size_t
own_bytes(const struct flight *f)
{
	return sizeof(*f) + f->key_bytes + f->response.fields.n +
		f->response.withheld.n + f->selector.n + f->trailers.n;
}

struct flight *
flight_new(struct budget *budget)
{
	struct flight *f = NEW(struct flight);

	atomic_init(&f->refs, 1);
	body_init(&f->body, budget, true);
	budget_add(budget, own_bytes(f));
	return f;
}

struct flight *
flight_ref(struct flight *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void
flight_unref(struct flight *f)
{
	if (!f ||
		atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) !=
			1)
		return;
	CHECK(!list_linked(&f->link));
	budget_sub(f->body.budget, own_bytes(f));
	body_fini(&f->body);
	object_unref(f->instead);
	free((char *)f->response.fields.p);
	free((char *)f->selector.p);
	free((char *)f->trailers.p);
	free(f->key);
	free(f);
}

static void
enter(struct flight *f, enum flight_phase phase)
{
	CHECK(flight_phase(f) == FLIGHT_WAITING);
	atomic_store_explicit(&f->phase, phase, memory_order_release);
}

static struct str
copy_to(char *at, struct str s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return str_of(at, s.n);
}

void
flight_ready(struct flight *f, const struct response *r)
{
	size_t n = r->fields.n + r->withheld.n;
	char *text = xmalloc(n);

	f->response = *r;
	f->response.fields = copy_to(text, r->fields);
	f->response.withheld = copy_to(text + r->fields.n, r->withheld);
	budget_add(f->body.budget, n);
	enter(f, FLIGHT_READY);
	body_notify(&f->body);
}

void
flight_offer(struct flight *f, struct object *o, unsigned status)
{
	CHECK(flight_phase(f) == FLIGHT_WAITING && !f->instead);
	f->instead = o;
	f->instead_of = status;
}

void
flight_instead(struct flight *f, struct object *o, unsigned status)
{
	flight_offer(f, o, status);
	enter(f, FLIGHT_INSTEAD);
	body_end(&f->body, BODY_DONE);
}

void
flight_end(struct flight *f, struct str trailers)
{
	if (trailers.n) {
		f->trailers = copy_to(xmalloc(trailers.n), trailers);
		budget_add(f->body.budget, trailers.n);
	}
	body_end(&f->body, BODY_DONE);
}

void
flight_fail(struct flight *f, unsigned status, const char *error)
{
	f->error_status = status;
	f->error = error;
	if (flight_phase(f) == FLIGHT_WAITING)
		enter(f, FLIGHT_FAILED);
	body_end(&f->body, BODY_FAILED);
}
