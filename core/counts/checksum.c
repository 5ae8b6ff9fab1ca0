/* checksum.c -- 64-bit sums that notice damaged bytes.  No protection against an adversary: the decoder
 * checks every read for itself. */
#include "counts/counts_impl.h"

#include <string.h>

#define K1 UINT64_C(0x9E3779B97F4A7C15)
#define K2 UINT64_C(0xC2B2AE3D27D4EB4F)

uint64_t clab__mix(uint64_t x)
{
    x ^= x >> 32;
    x *= K1;
    x ^= x >> 29;
    x *= K2;
    return x ^ x >> 32;
}

static uint64_t step(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * K1;
    return lane << 31 | lane >> 33;
}

uint64_t clab__sum(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t lane[4] = {K1, K2, ~K1, ~K2}, sum = n;
    size_t left = n;

    for (; left >= 32; left -= 32, p += 32) {
        uint64_t w[4];
        memcpy(w, p, sizeof w);
        for (int k = 0; k < 4; k++)
            lane[k] = step(lane[k], w[k]);
    }
    for (; left > 0; ) {
        uint64_t w = 0;
        size_t m = left < 8 ? left : 8;
        memcpy(&w, p, m);
        lane[0] = step(lane[0], w);
        left -= m;
        p += m;
    }
    for (int k = 0; k < 4; k++)
        sum = clab__mix(sum ^ lane[k]);
    return sum;
}

uint64_t clab__sum_fold(uint64_t sum, uint64_t chunk_sum)
{
    return clab__mix(sum * K2 + chunk_sum);
}
