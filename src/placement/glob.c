#include "placement/glob.h"

static bool
fits(char p, char c, bool fold)
{
	return p == '?' || p == c || (fold && char_lower(p) == char_lower(c));
}

/* On a mismatch, the last * takes one character more: no earlier one need ever
 * be looked at again, so it ends within pattern times text steps. */
bool
glob_matches(struct str pattern, struct str s, bool fold)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && fits(pattern.p[p], s.p[i], fold)) {
			p++, i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
