#include "http/list.h"

bool
list_next(struct str *rest, struct str *element)
{
	while (rest->n) {
		bool quoted = false;
		size_t n = 0;

		for (; n < rest->n; n++) {
			char c = rest->p[n];

			if (quoted && c == '\\' && n + 1 < rest->n)
				n++;
			else if (c == '"')
				quoted = !quoted;
			else if (c == ',' && !quoted)
				break;
		}
		*element = str_trim(str_of(rest->p, n));
		n += n < rest->n; /* the comma */
		rest->p += n;
		rest->n -= n;
		if (element->n)
			return true;
	}
	return false;
}

bool
list_is_whole(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
	}
	return !quoted;
}
