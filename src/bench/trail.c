/* See trail.h. */
#include "bench/trail.h"

static bool
has_parameter(struct str parameters, struct str name)
{
	struct str part;

	while (str_split(&parameters, ';', &part))
		if (str_eq(str_trim(part), name))
			return true;
	return false;
}

struct trail
trail_of(const struct head *h)
{
	struct trail t = {0};

	for (unsigned i = 0; i < h->nfields; i++) {
		struct str list = h->fields[i].value, member, name;

		if (h->fields[i].id != FIELD_CACHE_STATUS)
			continue;
		while (list_next(&list, &member)) {
			str_split(&member, ';', &name);
			t.ingress = str_trim(name);
			if (t.owner.n > 0)
				continue;
			t.owner = t.ingress;
			t.hit = has_parameter(member, STR("hit"));
			t.collapsed = has_parameter(member, STR("collapsed"));
		}
	}
	return t;
}
