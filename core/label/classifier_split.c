/* classifier_split.c -- which labelled cells are held out for validation: stratified and seeded. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "classifier_impl.h"
#include "ledger/ledger.h"

typedef struct {
    int64_t n, take; /* cells of the class; of those, held out */
    double rest;     /* of its share, after rounding down */
} share;

/* Hare's method: whole shares first, then one more to the largest rests; a class keeps one cell at least. */
static void share_out(share *s, int k, int64_t n, int64_t wanted)
{
    int64_t left = wanted;

    for (int c = 0; c < k; c++) {
        double exact = (double)wanted * (double)s[c].n / (double)n;
        int64_t most = s[c].n > 0 ? s[c].n - 1 : 0;

        s[c].take = (int64_t)exact < most ? (int64_t)exact : most;
        s[c].rest = exact - (double)s[c].take;
        left -= s[c].take;
    }
    for (; left > 0; left--) {
        int best = -1;
        for (int c = 0; c < k; c++)
            if (s[c].take < s[c].n - 1 && (best < 0 || s[c].rest > s[best].rest))
                best = c;
        if (best < 0)
            return; /* only single cells are left */
        s[best].take++;
        s[best].rest -= 1;
    }
}

static clab_status mark_class(clab_ctx *cx, clab_pcg *g, const int32_t *y, int64_t n, int32_t class, const share *s,
                              int64_t *cells, uint8_t *is_valid)
{
    int64_t *const chosen = cells + s->n, found = 0;

    if (s->take == 0)
        return CLAB_OK;
    for (int64_t i = 0; i < n; i++)
        if (y[i] == class)
            cells[found++] = i;
    if (clab_pcg_choice(g, s->n, s->take, chosen) != 0)
        return clab_fail(cx, CLAB_ENOMEM, "no memory to choose validation cells");
    for (int64_t i = 0; i < s->take; i++)
        is_valid[cells[chosen[i]]] = 1;
    return CLAB_OK;
}

clab_status clab__split(clab_ctx *cx, const int32_t *y, int64_t n, int k, double fraction, uint64_t seed,
                        uint8_t *is_valid, int64_t *n_valid)
{
    share *s = NULL;
    int64_t *cells = NULL;
    clab_pcg g;
    clab_status st;

    *n_valid = 0;
    memset(is_valid, 0, (size_t)n);
    if ((st = clab_mem_zalloc(cx, CLAB_MEM_WORK, k * (int64_t)sizeof *s, "split", (void **)&s)) != CLAB_OK ||
        (st = clab_mem_alloc(cx, CLAB_MEM_WORK, 2 * n * (int64_t)sizeof *cells, "split", (void **)&cells)) != CLAB_OK)
        goto done;
    for (int64_t i = 0; i < n; i++)
        s[y[i]].n++;
    share_out(s, k, n, (int64_t)llround(fraction * (double)n));
    clab_pcg_seed(&g, seed);
    for (int32_t c = 0; c < k && st == CLAB_OK; c++) {
        st = mark_class(cx, &g, y, n, c, &s[c], cells, is_valid);
        *n_valid += s[c].take;
    }
done:
    clab_mem_free(cx, s);
    clab_mem_free(cx, cells);
    return st;
}
