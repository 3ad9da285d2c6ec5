#include "http/precondition.h"

#include "http/date.h"

/* Does one of the fields of that id list the tag, or have a "*"? */
static bool
lists_etag(const struct head *h, enum field_id id, struct str etag,
	bool (*same)(struct str, struct str))
{
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str rest = h->fields[i].value, listed;

		if (h->fields[i].id != id)
			continue;
		if (str_eq(rest, STR("*")))
			return true;
		while (etag.p && etag_next(&rest, &listed))
			if (same(etag, listed))
				return true;
	}
	return false;
}

/* Steps 1 and 2: is the client's idea of the resource out of date? */
static bool
is_outdated(const struct head *request, const struct validators *v)
{
	int64_t since_s = date_in(request, FIELD_IF_UNMODIFIED_SINCE);

	if (head_find(request, FIELD_IF_MATCH))
		return !lists_etag(
			request, FIELD_IF_MATCH, v->etag, etag_same_strong);
	return since_s != INT64_MIN && v->last_modified_s > since_s;
}

/* Steps 3 and 4: does the client have it already? */
static bool
is_known(const struct head *request, const struct validators *v)
{
	int64_t since_s = date_in(request, FIELD_IF_MODIFIED_SINCE);
	int64_t modified_s = v->last_modified_s != INT64_MIN
		? v->last_modified_s
		: v->date_s;

	if (head_find(request, FIELD_IF_NONE_MATCH))
		return lists_etag(
			request, FIELD_IF_NONE_MATCH, v->etag, etag_same_weak);
	return since_s != INT64_MIN && modified_s != INT64_MIN &&
		modified_s <= since_s;
}

enum precondition
precondition_check(const struct head *request, const struct validators *v)
{
	if (is_outdated(request, v))
		return PRECONDITION_FAILED;
	return is_known(request, v) ? PRECONDITION_NOT_MODIFIED
				    : PRECONDITION_PASS;
}

bool
precondition_if_range(const struct head *request, const struct validators *v)
{
	const struct field *f = head_find(request, FIELD_IF_RANGE);

	if (!f)
		return true;
	if (etag_is_valid(f->value))
		return v->etag.p && etag_same_strong(v->etag, f->value);
	return validators_date_is_strong(v) &&
		date_parse(f->value) == v->last_modified_s;
}

bool
precondition_in(const struct head *request)
{
	for (unsigned i = 0; i < request->nfields; i++)
		switch (request->fields[i].id) {
		case FIELD_IF_MATCH:
		case FIELD_IF_NONE_MATCH:
		case FIELD_IF_MODIFIED_SINCE:
		case FIELD_IF_UNMODIFIED_SINCE: return true;
		default: break;
		}
	return false;
}
