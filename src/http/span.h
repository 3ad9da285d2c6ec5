#pragma once
/*
 * Runs of bytes of a class, 16 at a time where the processor is an x86: where
 * the run that begins at `at` (at most s.n) ends: the place of the first byte
 * that is not of the class, or s.n. Nothing outside of the slice is read.
 */
#include "http/char.h"

#ifdef __SSE2__
#include <emmintrin.h>

/* Which of the 16 bytes are not of the class, lowest bit first. */
typedef unsigned span_stops_fn(__m128i v);

static inline __m128i
span_between(__m128i v, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(first - 1)),
		_mm_cmplt_epi8(v, _mm_set1_epi8(last + 1)));
}

static inline unsigned
span_stops_text(__m128i v)
{
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	__m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

static inline unsigned
span_stops_visible(__m128i v)
{
	/* Compared as signed: bytes from 0x80 on are below '!', too. */
	__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8('!'));
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}

static inline unsigned
span_stops_plain(__m128i v)
{
	__m128i hash = _mm_cmpeq_epi8(v, _mm_set1_epi8('#'));
	__m128i percent = _mm_cmpeq_epi8(v, _mm_set1_epi8('%'));
	__m128i dot = _mm_cmpeq_epi8(v, _mm_set1_epi8('.'));
	__m128i question = _mm_cmpeq_epi8(v, _mm_set1_epi8('?'));

	return (unsigned)_mm_movemask_epi8(
		       _mm_or_si128(_mm_or_si128(hash, percent),
			       _mm_or_si128(dot, question))) |
		span_stops_visible(v);
}

/* What may be in front of a field's colon, and has no control bytes. */
static inline unsigned
span_stops_name(__m128i v)
{
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	__m128i colon = _mm_cmpeq_epi8(v, _mm_set1_epi8(':'));
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(low, _mm_or_si128(colon, del)));
}

/* Letters, digits and '-' go on; the other token bytes are rare. */
static inline unsigned
span_stops_token(__m128i v)
{
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i letter = span_between(lower, 'a', 'z');
	__m128i digit = span_between(v, '0', '9');
	__m128i dash = _mm_cmpeq_epi8(v, _mm_set1_epi8('-'));
	__m128i go = _mm_or_si128(_mm_or_si128(letter, digit), dash);

	return (unsigned)_mm_movemask_epi8(go) ^ 0xffff;
}

static inline unsigned
span_stops_at(struct str s, size_t at, span_stops_fn *stops)
{
	return stops(_mm_loadu_si128((const __m128i *)(s.p + at)));
}

/* s has a step's bytes at least. Of the last bytes, fewer than a step, those
 * before them are looked at again: heads are short, and end with a short line.
 */
static inline __attribute__((always_inline)) size_t
span_steps(struct str s, size_t at, span_stops_fn *stops)
{
	unsigned stop;

	for (; s.n - at >= 16; at += 16) {
		stop = span_stops_at(s, at, stops);
		if (stop)
			return at + (unsigned)__builtin_ctz(stop);
	}
	if (at == s.n)
		return at;
	stop = span_stops_at(s, s.n - 16, stops) >> (16 - (s.n - at));
	return stop ? at + (unsigned)__builtin_ctz(stop) : s.n;
}

#define SPAN_STEPS(s, at, of) span_steps(s, at, span_stops_##of)
enum { SPAN_LEAST = 16 };
#else
#define SPAN_STEPS(s, at, of) (at)
#define SPAN_LEAST SIZE_MAX
#endif

static inline size_t
span_bytes(struct str s, size_t at, unsigned class)
{
	while (at < s.n && char_is(s.p[at], class))
		at++;
	return at;
}

static inline size_t
span_text(struct str s, size_t at)
{
	return s.n >= SPAN_LEAST ? SPAN_STEPS(s, at, text)
				 : span_bytes(s, at, CHAR_TEXT);
}

static inline size_t
span_name(struct str s, size_t at)
{
	return s.n >= SPAN_LEAST ? SPAN_STEPS(s, at, name)
				 : span_bytes(s, at, CHAR_NAME);
}

static inline size_t
span_visible(struct str s, size_t at)
{
	return s.n >= SPAN_LEAST ? SPAN_STEPS(s, at, visible)
				 : span_bytes(s, at, CHAR_VISIBLE);
}

static inline size_t
span_plain(struct str s, size_t at)
{
	return s.n >= SPAN_LEAST ? SPAN_STEPS(s, at, plain)
				 : span_bytes(s, at, CHAR_PLAIN);
}

/* Steps pass over those token bytes that are not rare. */
static inline size_t
span_token(struct str s, size_t at)
{
	if (s.n >= SPAN_LEAST)
		at = SPAN_STEPS(s, at, token);
	return span_bytes(s, at, CHAR_TOKEN);
}
