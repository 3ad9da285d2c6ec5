#pragma once
/*
 * struct str: a borrowed slice of bytes, not terminated. Passed by value.
 * Whoever makes one says what it points into and how long that lives.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p
/* a literal */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})

static inline struct str
str_of(const char *p, size_t n)
{
	return (struct str){p, n};
}

static inline struct str
str_z(const char *z)
{
	return (struct str){z, strlen(z)};
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only, whatever the locale */
static inline char
char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool
char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* equal but for ASCII case */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
/* s without spaces and tabs at both ends */
struct str str_trim(struct str s);
/* The part of *s before the first sep; *s becomes what follows it, or an empty
 * slice with p == NULL when there was no sep. False when s->p is NULL. */
bool str_split(struct str *s, char sep, struct str *part);
/* The first n bytes of *s, which becomes what follows them. False, and both
 * untouched: there are fewer. */
bool str_take(struct str *s, void *out, size_t n);
/* Decimal digits only, the whole slice. -EINVAL, or -ERANGE above max. */
int str_u64(struct str s, uint64_t max, uint64_t *out);
/* So many hexadecimal digits, the whole slice, as "%0*llx" writes them; at most
 * 16. False, and *out untouched, as below. */
bool str_hex(struct str s, size_t digits, uint64_t *out);
/* An address as inet_pton() reads it, of AF_INET (struct in_addr) or AF_INET6
 * (struct in6_addr). */
bool str_addr(struct str s, int family, void *out);
/* The edit distance, for "did you mean"; slices over 32 bytes count as far. */
unsigned str_distance(struct str a, struct str b);
