/* levels.c -- rows whose values are no counts but few: log-normalised cells have one value a count.
 * Values are told apart by their bits, so -0.0 and every NaN come back as they were. */
#include "counts/counts_impl.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (4 * CLAB__N_LEVELS)

static uint64_t bits_at(clab_dtype t, const void *values, int64_t i)
{
    size_t size = clab_dtype_size(t);
    uint64_t bits = 0;

    memcpy(&bits, (const char *)values + (size_t)i * size, size); /* low bytes first, as the tag in the header says */
    return bits;
}

/* The slot that holds these bits, or the free one where they belong. */
static unsigned slot_of(const clab__levels *l, uint64_t bits)
{
    unsigned k = (unsigned)(bits * UINT64_C(0x9E3779B97F4A7C15) >> 54) % SLOTS;

    while (l->slot[k] && l->bits[l->slot[k] - 1] != bits)
        k = (k + 1) % SLOTS;
    return k;
}

static double value_of(clab_dtype t, uint64_t bits)
{
    double x = 0;

    clab__to_f64(t, &bits, 1, &x);
    return x;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b; /* value, then its place in the list */

    return x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : (x[1] > y[1]) - (x[1] < y[1]);
}

/* Small numbers for small values: counts are mostly small, so the packed numbers are too. */
static void sort_levels(clab__levels *l)
{
    double order[CLAB__N_LEVELS][2];
    uint64_t sorted[CLAB__N_LEVELS];

    for (int i = 0; i < l->n; i++) {
        order[i][0] = value_of(l->dtype, l->bits[i]);
        order[i][1] = i;
    }
    qsort(order, (size_t)l->n, sizeof *order, by_value);
    for (int i = 0; i < l->n; i++)
        sorted[i] = l->bits[(int)order[i][1]];
    memcpy(l->bits, sorted, (size_t)l->n * sizeof *sorted);
    memset(l->slot, 0, sizeof l->slot);
    for (int i = 0; i < l->n; i++)
        l->slot[slot_of(l, l->bits[i])] = (int16_t)(i + 1);
}

bool clab__levels_find(clab__levels *l, clab_dtype t, const void *values, int64_t n)
{
    if (clab_dtype_size(t) < 4)
        return false; /* raw values are as small as numbers of them */
    l->dtype = t;
    l->n = 0;
    memset(l->slot, 0, sizeof l->slot);
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = bits_at(t, values, i);
        unsigned k = slot_of(l, bits);
        if (l->slot[k])
            continue;
        if (l->n == CLAB__N_LEVELS || l->n >= n / 2)
            return false;
        l->bits[l->n++] = bits;
        l->slot[k] = (int16_t)l->n;
    }
    sort_levels(l);
    return true;
}

void clab__levels_codes(const clab__levels *l, const void *values, int n, uint32_t *codes)
{
    for (int i = 0; i < n; i++)
        codes[i] = (uint32_t)(l->slot[slot_of(l, bits_at(l->dtype, values, i))] - 1);
}

size_t clab__levels_put(const clab__levels *l, uint8_t *out)
{
    size_t size = clab_dtype_size(l->dtype);

    *out = (uint8_t)(l->n - 1);
    for (int i = 0; i < l->n; i++)
        memcpy(out + 1 + (size_t)i * size, &l->bits[i], size);
    return 1 + (size_t)l->n * size;
}
