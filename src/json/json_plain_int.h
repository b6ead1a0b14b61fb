/*
 * json_plain_int.h - how far a text can be taken as it is; json_*.c only.
 */
#ifndef JSON_JSON_PLAIN_INT_H
#define JSON_JSON_PLAIN_INT_H

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/base.h"

#if defined(__SSE2__)
enum {
    JSON_PLAIN_STEP = 16
};

/* A bit for each of 16 bytes at which a plain text ends. */
static inline unsigned json_plain_stops(__m128i v, bool astral)
{
    __m128i stop = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);

    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    if (astral) {
        const __m128i head = _mm_set1_epi8((char)0xF0);

        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_max_epu8(v, head), v));
    }
    return (unsigned)_mm_movemask_epi8(stop);
}
#endif

/*
 * The first byte of [at, end) that is a control, a quote, a backslash or (with
 * astral) the head of a four-byte character; *high: one before it is not ASCII.
 */
static inline const char *json_plain_run(const char *at, const char *end,
                                         bool astral, bool *high)
{
    unsigned seen = 0;

#if defined(__SSE2__)
    for (; end - at >= JSON_PLAIN_STEP; at += JSON_PLAIN_STEP) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned stops = json_plain_stops(v, astral);
        unsigned highs = (unsigned)_mm_movemask_epi8(v);

        if (stops != 0) {
            unsigned n = (unsigned)__builtin_ctz(stops);

            *high = (seen | (highs & ((1u << n) - 1))) != 0;
            return at + n;
        }
        seen |= highs;
    }
#endif
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c == '"' || c == '\\' || (astral && c >= 0xF0)) {
            break;
        }
        seen |= c & 0x80u;
    }
    *high = seen != 0;
    return at;
}

#endif
