/* pack.c -- up to 128 small numbers in as few bits as their bulk needs.
 *
 * A block is: width (0..32), number of exceptions e (0..n), and when e > 0 the width of their high parts
 * (1..32); then the low `width` bits of every number; then e positions of one byte and e high parts.
 * A few large numbers thus do not widen the other hundred (patched frame of reference: Zukowski et al.,
 * ICDE 2006).  A full block interleaves four lanes of 32 numbers (Lemire & Boytsov 2015), so that one
 * vector instruction serves four of them; a short one and the high parts are plain little-endian bits.
 */
#include "counts/counts_impl.h"

#include <string.h>

#define LANES 4
#define STEPS (CLAB__BLOCK / LANES)

static int bits_of(uint32_t x)
{
    return 63 - __builtin_clzll(2 * (uint64_t)x + 1); /* 0 needs none */
}

static size_t stream_bytes(int n, int width)
{
    return ((size_t)n * (size_t)width + 7) / 8;
}

static uint32_t mask_of(int width)
{
    return width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
}

/* ---- plain bits: short blocks and exceptions ------------------------------------------------------*/

static void stream_pack(const uint32_t *v, int n, int width, uint8_t *out)
{
    uint64_t held = 0;
    int held_bits = 0;

    for (int i = 0; i < n; i++) {
        held |= (uint64_t)(v[i] & mask_of(width)) << held_bits;
        held_bits += width;
        while (held_bits >= 8) {
            *out++ = (uint8_t)held;
            held >>= 8;
            held_bits -= 8;
        }
    }
    if (held_bits > 0)
        *out = (uint8_t)held;
}

/* The caller has checked that stream_bytes(n, width) bytes are there. */
static void stream_unpack(const uint8_t *p, int n, int width, uint32_t *v)
{
    size_t bytes = stream_bytes(n, width);
    uint32_t mask = mask_of(width);

    for (int i = 0; i < n; i++) {
        size_t bit = (size_t)i * (size_t)width;
        size_t at = bit / 8;
        size_t left = bytes - at;
        uint64_t word = 0;
        if (left >= 8)
            memcpy(&word, p + at, 8);
        else if (left > 0)
            memcpy(&word, p + at, left);
        v[i] = (uint32_t)(word >> (bit % 8)) & mask;
    }
}

/* ---- four lanes: full blocks -----------------------------------------------------------------------*/

/* With a constant width every shift is a constant and each step four-wide: one copy of these a width. */
static inline __attribute__((always_inline)) void lanes_pack_width(const uint32_t *v, int width, uint8_t *out)
{
    uint32_t words[CLAB__BLOCK + LANES] = {0};
    uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << (width & 31)) - 1;

#pragma GCC unroll 32
    for (int j = 0; j < STEPS; j++) {
        int at = j * width / 32, shift = j * width % 32;
        for (int k = 0; k < LANES; k++) {
            uint32_t x = v[j * LANES + k] & mask;
            words[at * LANES + k] |= x << shift;
            if (shift + width > 32)
                words[(at + 1) * LANES + k] |= x >> (32 - shift);
        }
    }
    memcpy(out, words, (size_t)width * LANES * sizeof *words);
}

static inline __attribute__((always_inline)) void lanes_unpack_width(const uint8_t *p, int width, uint32_t *v)
{
    uint32_t words[CLAB__BLOCK];
    uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << (width & 31)) - 1;

    memcpy(words, p, (size_t)width * LANES * sizeof *words);
#pragma GCC unroll 32
    for (int j = 0; j < STEPS; j++) {
        int at = j * width / 32, shift = j * width % 32;
        for (int k = 0; k < LANES; k++) {
            uint32_t x = words[at * LANES + k] >> shift;
            if (shift + width > 32)
                x |= words[(at + 1) * LANES + k] << (32 - shift);
            v[j * LANES + k] = x & mask;
        }
    }
}

#define WIDTHS(X)                                                                                            \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) \
    X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)

static void lanes_pack(const uint32_t *v, int width, uint8_t *out)
{
    switch (width) {
#define X(w)                                                                                                 \
    case w: lanes_pack_width(v, w, out); break;
        WIDTHS(X)
#undef X
    default: break; /* 0: nothing to keep */
    }
}

static void lanes_unpack(const uint8_t *p, int width, uint32_t *v)
{
    switch (width) {
    case 0: memset(v, 0, CLAB__BLOCK * sizeof *v); break;
#define X(w)                                                                                                 \
    case w: lanes_unpack_width(p, w, v); break;
        WIDTHS(X)
#undef X
    default: break;
    }
}

/* ---- blocks ---------------------------------------------------------------------------------------------*/

/* The width whose block is smallest: `count[b]` numbers need exactly b bits. */
static int best_width(const int count[33], int n, int widest)
{
    int best = widest, exceptions = 0;
    size_t best_bytes = stream_bytes(n, widest);

    for (int w = widest - 1; w >= 0; w--) {
        size_t bytes;
        exceptions += count[w + 1];
        bytes = stream_bytes(n, w) + 1 + (size_t)exceptions + stream_bytes(exceptions, widest - w);
        if (bytes < best_bytes) {
            best_bytes = bytes;
            best = w;
        }
    }
    return best;
}

size_t clab__pack(const uint32_t *v, int n, uint8_t *out)
{
    int count[2][33] = {{0}, {0}}, widest = 32, width, exceptions = 0;
    uint8_t *p = out + 2;
    uint8_t where[CLAB__BLOCK];
    uint32_t high[CLAB__BLOCK];

    for (int i = 0; i < n; i++)
        count[i % 2][bits_of(v[i])]++; /* two tables: neighbours need not wait for each other */
    for (int b = 0; b <= 32; b++)
        count[0][b] += count[1][b];
    while (widest > 0 && count[0][widest] == 0)
        widest--;
    width = best_width(count[0], n, widest);
    if (width < widest)
        for (int i = 0; i < n; i++) { /* without a branch: which ones is anyone's guess */
            where[exceptions] = (uint8_t)i;
            high[exceptions] = v[i] >> width;
            exceptions += high[exceptions] != 0;
        }
    out[0] = (uint8_t)width;
    out[1] = (uint8_t)exceptions;
    if (exceptions > 0)
        *p++ = (uint8_t)(widest - width);
    if (n == CLAB__BLOCK)
        lanes_pack(v, width, p);
    else
        stream_pack(v, n, width, p);
    p += stream_bytes(n, width);
    if (exceptions > 0) {
        memcpy(p, where, (size_t)exceptions);
        p += exceptions;
        stream_pack(high, exceptions, widest - width, p);
        p += stream_bytes(exceptions, widest - width);
    }
    return (size_t)(p - out);
}

const uint8_t *clab__unpack(const uint8_t *p, const uint8_t *end, int n, uint32_t *v)
{
    int width, exceptions, high_width = 0;
    size_t low_bytes, high_bytes = 0;

    if (end - p < 2)
        return NULL;
    width = *p++;
    exceptions = *p++;
    if (width > 32 || exceptions > n)
        return NULL;
    if (exceptions > 0) {
        if (p == end)
            return NULL;
        high_width = *p++;
        if (high_width < 1 || high_width + width > 32)
            return NULL;
        high_bytes = (size_t)exceptions + stream_bytes(exceptions, high_width);
    }
    low_bytes = stream_bytes(n, width);
    if ((size_t)(end - p) < low_bytes + high_bytes)
        return NULL;
    if (n == CLAB__BLOCK)
        lanes_unpack(p, width, v);
    else
        stream_unpack(p, n, width, v);
    if (exceptions > 0) {
        const uint8_t *where = p + low_bytes;
        uint32_t high[CLAB__BLOCK];
        stream_unpack(where + exceptions, exceptions, high_width, high);
        for (int i = 0; i < exceptions; i++) {
            if (where[i] >= n)
                return NULL;
            v[where[i]] |= high[i] << width;
        }
    }
    return p + low_bytes + high_bytes;
}
