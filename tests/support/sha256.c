/* sha256.c -- as FIPS 180-4 section 6.2 writes it down. */
#include "sha256.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* First 32 bits of the fractional part of the `root`-th root of the i-th prime: the constants. */
static uint32_t constant(int i, int root)
{
    int prime = 2;
    for (int found = 0;; prime++) {
        int d = 2;
        while (d * d <= prime && prime % d != 0)
            d++;
        if (d * d > prime && found++ == i)
            break;
    }
    long double x = root == 2 ? sqrtl(prime) : cbrtl(prime);
    return (uint32_t)((x - floorl(x)) * 4294967296.0L);
}

static void mix(sha256 *s)
{
    uint32_t w[64], v[8];
    static uint32_t k[64];
    if (k[0] == 0)
        for (int i = 0; i < 64; i++)
            k[i] = constant(i, 3);
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10) + w[i - 7] +
               (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 16];
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t b = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += a;
        v[0] = a + b;
    }
    for (int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

void sha256_start(sha256 *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < 8; i++)
        s->h[i] = constant(i, 2);
}

void sha256_add(sha256 *s, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) {
        s->block[s->n++ % 64] = b[i];
        if (s->n % 64 == 0)
            mix(s);
    }
}

void sha256_hex(sha256 *s, char hex[65])
{
    uint64_t bits = s->n * 8;
    uint8_t one = 0x80, zero = 0;
    sha256_add(s, &one, 1);
    while (s->n % 64 != 56)
        sha256_add(s, &zero, 1);
    for (int i = 7; i >= 0; i--) {
        uint8_t b = (uint8_t)(bits >> (8 * i));
        sha256_add(s, &b, 1);
    }
    for (int i = 0; i < 8; i++)
        snprintf(hex + 8 * i, 9, "%08x", s->h[i]);
}
