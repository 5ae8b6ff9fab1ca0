/* pcg64.c -- numpy's default_rng: SeedSequence, PCG64 (XSL-RR), Lemire's bounded draws, and choice
 * without replacement.  Formulas: docs/random.md. */
#include "base/rng.h"

#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

#define WORDS(high, low) ((u128)(high) << 64 | (low))

static const u128 multiplier = WORDS(0x2360ED051FC65DA4u, 0x4385DF649FCCF645u);

static uint32_t hash_in(uint32_t v, uint32_t *a)
{
    v ^= *a;
    *a *= 0x931E8875u;
    v *= *a;
    return v ^ v >> 16;
}

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t r = 0xCA01F9DDu * a - 0x4973F715u * b;

    return r ^ r >> 16;
}

/* SeedSequence(seed).generate_state(4, uint64). */
static void spread(uint64_t seed, uint64_t q[4])
{
    uint32_t word[4] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, pool[4], out[8], a = 0x43B0D7E5u,
             b = 0x8B51F9DDu;

    for (int i = 0; i < 4; i++)
        pool[i] = hash_in(word[i], &a);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (j != i)
                pool[j] = mix(pool[j], hash_in(pool[i], &a));
    for (int i = 0; i < 8; i++) {
        uint32_t v = pool[i % 4] ^ b;
        b *= 0x58F38DEDu;
        v *= b;
        out[i] = v ^ v >> 16;
    }
    for (int i = 0; i < 4; i++)
        q[i] = out[2 * i] | (uint64_t)out[2 * i + 1] << 32;
}

static u128 step(clab_pcg *g, u128 add)
{
    u128 s = WORDS(g->state[0], g->state[1]) + add;

    s = s * multiplier + WORDS(g->inc[0], g->inc[1]);
    g->state[0] = (uint64_t)(s >> 64);
    g->state[1] = (uint64_t)s;
    return s;
}

void clab_pcg_seed(clab_pcg *g, uint64_t seed)
{
    uint64_t q[4];
    u128 inc;

    spread(seed, q);
    inc = WORDS(q[2], q[3]) << 1 | 1;
    *g = (clab_pcg){.inc = {(uint64_t)(inc >> 64), (uint64_t)inc}};
    step(g, 0);
    step(g, WORDS(q[0], q[1]));
}

uint64_t clab_pcg_u64(clab_pcg *g)
{
    u128 s = step(g, 0);
    uint64_t x = (uint64_t)(s >> 64) ^ (uint64_t)s;
    unsigned turn = (unsigned)(s >> 122);

    return x >> turn | x << (-turn & 63);
}

uint32_t clab_pcg_u32(clab_pcg *g)
{
    uint64_t v;

    if (g->has32) {
        g->has32 = 0;
        return g->kept32;
    }
    v = clab_pcg_u64(g);
    g->has32 = 1;
    g->kept32 = (uint32_t)(v >> 32);
    return (uint32_t)v;
}

double clab_pcg_double(clab_pcg *g)
{
    return (double)(clab_pcg_u64(g) >> 11) * 0x1p-53;
}

uint32_t clab_pcg_bounded(clab_pcg *g, uint32_t max)
{
    uint32_t e = max + 1, threshold;
    uint64_t t;

    if (max == 0)
        return 0;
    if (max == UINT32_MAX)
        return clab_pcg_u32(g);
    t = (uint64_t)clab_pcg_u32(g) * e;
    if ((uint32_t)t < e) {
        threshold = (UINT32_MAX - max) % e;
        while ((uint32_t)t < threshold)
            t = (uint64_t)clab_pcg_u32(g) * e;
    }
    return (uint32_t)(t >> 32);
}

/* numpy's draw from 0..max for any width. */
static int64_t draw(clab_pcg *g, int64_t max)
{
    uint64_t e, low, threshold;
    u128 t;

    if (max <= (int64_t)UINT32_MAX)
        return (int64_t)clab_pcg_bounded(g, (uint32_t)max);
    e = (uint64_t)max + 1;
    t = (u128)clab_pcg_u64(g) * e;
    low = (uint64_t)t;
    if (low < e) {
        threshold = (UINT64_MAX - (uint64_t)max) % e;
        while (low < threshold) {
            t = (u128)clab_pcg_u64(g) * e;
            low = (uint64_t)t;
        }
    }
    return (int64_t)(t >> 64);
}

static void swap(int64_t *a, int64_t i, int64_t j)
{
    int64_t t = a[i];

    a[i] = a[j];
    a[j] = t;
}

/* The tail of a partial shuffle of all n. */
static int choose_by_shuffle(clab_pcg *g, int64_t n, int64_t k, int64_t *out)
{
    int64_t *a = (uint64_t)n <= SIZE_MAX / sizeof *a ? malloc((size_t)n * sizeof *a) : NULL;
    int64_t last = n - k > 1 ? n - k : 1;

    if (!a)
        return -1;
    for (int64_t i = 0; i < n; i++)
        a[i] = i;
    for (int64_t i = n - 1; i >= last; i--)
        swap(a, i, draw(g, i));
    for (int64_t i = 0; i < k; i++)
        out[i] = a[n - k + i];
    free(a);
    return 0;
}

/* Puts v into an open-addressed set; false when it was there. */
static int insert(int64_t *set, uint64_t mask, int64_t v)
{
    uint64_t i = (uint64_t)v * 0x9E3779B97F4A7C15u >> 20;

    for (i &= mask; set[i] >= 0; i = (i + 1) & mask)
        if (set[i] == v)
            return 0;
    set[i] = v;
    return 1;
}

/* Floyd's algorithm, then a shuffle of what was chosen. */
static int choose_by_floyd(clab_pcg *g, int64_t n, int64_t k, int64_t *out)
{
    uint64_t size = 16;
    int64_t *set;

    while (size < (uint64_t)k * 2)
        size *= 2;
    set = size <= SIZE_MAX / sizeof *set ? malloc((size_t)size * sizeof *set) : NULL;
    if (!set)
        return -1;
    for (uint64_t i = 0; i < size; i++)
        set[i] = -1;
    for (int64_t j = n - k, i = 0; j < n; j++, i++) {
        int64_t v = draw(g, j);
        if (!insert(set, size - 1, v)) {
            v = j;
            insert(set, size - 1, v);
        }
        out[i] = v;
    }
    free(set);
    for (int64_t i = k - 1; i > 0; i--)
        swap(out, i, draw(g, i));
    return 0;
}

int clab_pcg_choice(clab_pcg *g, int64_t n, int64_t k, int64_t *out)
{
    if (k == 0)
        return 0;
    return n > 10000 && k > n / 50 ? choose_by_shuffle(g, n, k, out) : choose_by_floyd(g, n, k, out);
}
