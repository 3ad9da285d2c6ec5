#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>

bool
str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (char_lower(a.p[i]) != char_lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_of(s.p, prefix.n), prefix);
}

struct str
str_trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
str_split(struct str *s, char sep, struct str *part)
{
	const char *at;

	if (!s->p)
		return false;
	at = s->n ? memchr(s->p, sep, s->n) : NULL;
	if (!at) {
		*part = *s;
		*s = (struct str){0};
		return true;
	}
	*part = str_of(s->p, (size_t)(at - s->p));
	s->n -= part->n + 1;
	s->p = at + 1;
	return true;
}

bool
str_take(struct str *s, void *out, size_t n)
{
	if (s->n < n)
		return false;
	if (n)
		memcpy(out, s->p, n);
	*s = str_of(s->p + n, s->n - n);
	return true;
}

int
str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (!char_is_digit(s.p[i]))
			return -EINVAL;
		over = over || __builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(
				v, (uint64_t)(s.p[i] - '0'), &v) ||
			v > max;
	}
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

bool
str_hex(struct str s, size_t digits, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n != digits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!char_is_digit(c) && (c < 'a' || c > 'f'))
			return false;
		v = v << 4 |
			(unsigned)(char_is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	*out = v;
	return true;
}

bool
str_addr(struct str s, int family, void *out)
{
	char z[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(z) || memchr(s.p, '\0', s.n))
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return inet_pton(family, z, out) == 1;
}

unsigned
str_distance(struct str a, struct str b)
{
	unsigned row[33];

	if (a.n > 32 || b.n > 32)
		return 99;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diag = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned sub = diag + (a.p[i - 1] != b.p[j - 1]);
			unsigned least =
				row[j] < row[j - 1] ? row[j] : row[j - 1];

			diag = row[j];
			row[j] = sub < least + 1 ? sub : least + 1;
		}
	}
	return row[b.n];
}
