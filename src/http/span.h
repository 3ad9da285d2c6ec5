#pragma once
/*
 * char_span() for the runs that most of a head is made of, 16 bytes at a time
 * where the processor is an x86. A step only passes over bytes that are surely
 * of the class, and char_span() has the last word: the answer is its own for
 * any input. Nothing outside of the slice is read.
 */
#include "http/char.h"

#ifdef __SSE2__
#include <emmintrin.h>

/* Which of the 16 bytes may not be of the class, lowest bit first. */
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

static inline __attribute__((always_inline)) size_t
span_steps(struct str s, span_stops_fn *stops)
{
	size_t n = 0;

	for (; s.n - n >= 16; n += 16) {
		unsigned stop =
			stops(_mm_loadu_si128((const __m128i *)(s.p + n)));

		if (stop)
			return n + (unsigned)__builtin_ctz(stop);
	}
	return n;
}

#define SPAN_STEPS(s, of) span_steps(s, span_stops_##of)
#else
#define SPAN_STEPS(s, of) 0
#endif

static inline size_t
span_rest(struct str s, size_t n, unsigned class)
{
	return n + char_span(str_of(s.p + n, s.n - n), class);
}

static inline size_t
span_text(struct str s)
{
	return span_rest(s, SPAN_STEPS(s, text), CHAR_TEXT);
}

static inline size_t
span_visible(struct str s)
{
	return span_rest(s, SPAN_STEPS(s, visible), CHAR_VISIBLE);
}

static inline size_t
span_token(struct str s)
{
	return span_rest(s, SPAN_STEPS(s, token), CHAR_TOKEN);
}
