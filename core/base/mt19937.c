/* mt19937.c -- the Mersenne Twister, and what numpy's RandomState and torch's CPU generator draw from
 * it, so that a run of the peers can be repeated number by number.  Formulas: docs/random.md. */
#include "base/rng.h"

#include <math.h>

#define N 624
#define M 397

static const double pi = 3.14159265358979323846;

void clab_mt_seed(clab_mt *g, uint32_t seed)
{
    g->m[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        g->m[i] = 1812433253u * (g->m[i - 1] ^ g->m[i - 1] >> 30) + i;
    g->at = N;
    g->has_gauss = 0;
    g->gauss = 0;
}

static void twist(clab_mt *g)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (g->m[i] & 0x80000000u) | (g->m[(i + 1) % N] & 0x7fffffffu);
        g->m[i] = g->m[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    g->at = 0;
}

uint32_t clab_mt_u32(clab_mt *g)
{
    uint32_t y;

    if (g->at == N)
        twist(g);
    y = g->m[g->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* Both peers put the first word high. */
static uint64_t next_u64(clab_mt *g)
{
    uint64_t high = clab_mt_u32(g);

    return high << 32 | clab_mt_u32(g);
}

/* ---- numpy ------------------------------------------------------------------------------------*/

double clab_mt_double(clab_mt *g)
{
    uint32_t a = clab_mt_u32(g) >> 5, b = clab_mt_u32(g) >> 6;

    return (a * 67108864.0 + b) / 9007199254740992.0;
}

double clab_mt_normal(clab_mt *g)
{
    double a, b, r, f;

    if (g->has_gauss) {
        g->has_gauss = 0;
        return g->gauss;
    }
    do {
        a = 2 * clab_mt_double(g) - 1;
        b = 2 * clab_mt_double(g) - 1;
        r = a * a + b * b;
    } while (r >= 1 || r == 0);
    f = sqrt(-2 * log(r) / r);
    g->gauss = f * a;
    g->has_gauss = 1;
    return f * b;
}

static uint64_t mask_for(uint64_t max)
{
    for (int shift = 1; shift < 64; shift *= 2)
        max |= max >> shift;
    return max;
}

uint32_t clab_mt_upto(clab_mt *g, uint32_t max)
{
    uint32_t mask = (uint32_t)mask_for(max), v;

    if (max == 0)
        return 0;
    while ((v = clab_mt_u32(g) & mask) > max)
        ;
    return v;
}

static uint64_t upto64(clab_mt *g, uint64_t max)
{
    uint64_t mask = mask_for(max), v;

    if (max <= UINT32_MAX)
        return clab_mt_upto(g, (uint32_t)max);
    while ((v = next_u64(g) & mask) > max)
        ;
    return v;
}

void clab_mt_permutation(clab_mt *g, int64_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        p[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)upto64(g, (uint64_t)i), t = p[i];
        p[i] = p[j];
        p[j] = t;
    }
}

/* ---- torch ------------------------------------------------------------------------------------*/

static float uniform24(clab_mt *g)
{
    return (float)(clab_mt_u32(g) & 0xffffffu) * 0x1p-24f;
}

static double uniform53(clab_mt *g)
{
    return (double)(next_u64(g) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

float clab_mt_torch_uniform(clab_mt *g, float lo, float hi)
{
    return uniform24(g) * (hi - lo) + lo;
}

int64_t clab_mt_torch_i64(clab_mt *g)
{
    return (int64_t)(next_u64(g) & INT64_MAX);
}

/* Box-Muller on 16 uniforms in place: the first 8 give radii, the last 8 angles. */
static void normals16(float *x)
{
    for (int j = 0; j < 8; j++) {
        float radius = sqrtf(-2.0f * logf(1.0f - x[j])), angle = (float)(2 * pi) * x[j + 8];
        x[j] = radius * cosf(angle);
        x[j + 8] = radius * sinf(angle);
    }
}

/* One normal in double, the sine kept for the next call. */
static double normal_pair(clab_mt *g)
{
    double u1, u2, r;

    if (g->has_gauss) {
        g->has_gauss = 0;
        return g->gauss;
    }
    u1 = uniform53(g);
    u2 = uniform53(g);
    r = sqrt(-2 * log1p(-u2));
    g->gauss = r * sin(2 * pi * u1);
    g->has_gauss = 1;
    return r * cos(2 * pi * u1);
}

void clab_mt_torch_randn(clab_mt *g, float *x, int64_t n)
{
    if (n < 16) {
        for (int64_t i = 0; i < n; i++)
            x[i] = (float)normal_pair(g);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        x[i] = uniform24(g);
    for (int64_t i = 0; i + 16 <= n; i += 16)
        normals16(x + i);
    if (n % 16) {
        /* The last 16 places are drawn anew, over what some of them already hold. */
        for (int64_t i = n - 16; i < n; i++)
            x[i] = uniform24(g);
        normals16(x + n - 16);
    }
}

void clab_mt_torch_keep(clab_mt *g, uint8_t *keep, int64_t n, double p_drop)
{
    for (int64_t i = 0; i < n; i++)
        keep[i] = uniform53(g) < 1 - p_drop;
}

void clab_mt_torch_randperm(int64_t seed, int64_t *p, int64_t n)
{
    clab_mt g;

    clab_mt_seed(&g, (uint32_t)((uint64_t)seed & UINT32_MAX));
    for (int64_t i = 0; i < n; i++)
        p[i] = i;
    for (int64_t i = 0; i < n - 1; i++) {
        uint64_t left = (uint64_t)(n - i);
        uint64_t z = n < (int64_t)(UINT32_MAX / 20) ? clab_mt_u32(&g) % left : next_u64(&g) % left;
        int64_t j = i + (int64_t)z, t = p[i];
        p[i] = p[j];
        p[j] = t;
    }
}
