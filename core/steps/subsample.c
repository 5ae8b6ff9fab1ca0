/* subsample.c -- draw cells at random, alike in every type when asked.  docs/steps/subsample.md */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/step.h"

enum { N, FRACTION, SEED, BY, N_PARAMS };

static clab_status how_many(clab_ctx *cx, const clab_arg *args, int64_t n_obs, int64_t *n)
{
    if (args[N].given == args[FRACTION].given)
        return clab_fail(cx, CLAB_EARG, "give either n or fraction");
    *n = args[N].given ? args[N].i : (int64_t)floor(args[FRACTION].num * (double)n_obs);
    if (*n > n_obs)
        return clab_fail(cx, CLAB_EARG, "n=%s is more than the %s cells there are", clab_text_count(*n),
                         clab_text_count(n_obs));
    if (*n == 0)
        return clab_fail(cx, CLAB_EARG, "no cell would be left");
    return CLAB_OK;
}

static clab_status draw(clab_ctx *cx, clab_pcg *g, int64_t n, int64_t k, int64_t *out)
{
    return clab_pcg_choice(g, n, k, out) == 0 ? CLAB_OK
                                              : clab_fail(cx, CLAB_ENOMEM, "no memory to draw cells");
}

/* ---- by type ----------------------------------------------------------------------------------------*/

typedef struct {
    int64_t n_strata;   /* levels, and one for cells without a label */
    int64_t *cells;     /* of each */
    int64_t *quota;     /* to draw */
    double *rest;       /* what rounding down took */
    int64_t *start;     /* where the rows of each begin in rows */
    int64_t *rows;      /* N, stratum after stratum */
    int64_t *drawn;
    uint8_t *mask;      /* N */
} strata;

static void strata_free(clab_ctx *cx, strata *t)
{
    void *parts[] = {t->cells, t->quota, t->rest, t->start, t->rows, t->drawn, t->mask};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_mem_free(cx, parts[i]);
}

static clab_status strata_new(clab_ctx *cx, int64_t n_obs, int64_t n_levels, strata *t)
{
    void **parts[] = {(void **)&t->cells, (void **)&t->quota, (void **)&t->rest, (void **)&t->start};
    clab_status s = CLAB_OK;

    t->n_strata = n_levels + 1;
    for (size_t i = 0; s == CLAB_OK && i < sizeof parts / sizeof *parts; i++)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, (t->n_strata + 1) * 8, "subsample", parts[i]);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_obs * 8 + 8, "subsample", (void **)&t->rows);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_obs * 8 + 8, "subsample", (void **)&t->drawn);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, n_obs + 1, "subsample", (void **)&t->mask);
    return s;
}

static void sort_rows(strata *t, const int32_t *codes, int64_t n_obs)
{
    for (int64_t i = 0; i < n_obs; i++)
        t->cells[codes[i] < 0 ? t->n_strata - 1 : codes[i]]++;
    for (int64_t k = 0; k < t->n_strata; k++)
        t->start[k + 1] = t->start[k] + t->cells[k];
    for (int64_t i = 0; i < n_obs; i++) {
        int64_t k = codes[i] < 0 ? t->n_strata - 1 : codes[i];
        t->rows[t->start[k]++] = i;
    }
    for (int64_t k = 0; k < t->n_strata; k++)
        t->start[k] -= t->cells[k];
}

/* Largest remainder: shares rounded down, then one more for the largest rests, ties to the earlier level. */
static void share_out(strata *t, int64_t n, int64_t n_obs)
{
    int64_t left = n;

    for (int64_t k = 0; k < t->n_strata; k++) {
        double share = (double)n * (double)t->cells[k] / (double)n_obs;
        t->quota[k] = (int64_t)floor(share);
        t->rest[k] = share - floor(share);
        left -= t->quota[k];
    }
    for (; left > 0; left--) {
        int64_t best = -1;
        for (int64_t k = 0; k < t->n_strata; k++)
            if (t->quota[k] < t->cells[k] && (best < 0 || t->rest[k] > t->rest[best]))
                best = k;
        if (best < 0)
            return;
        t->quota[best]++;
        t->rest[best] -= 1.0;
    }
}

static clab_status by_type(clab_ctx *cx, const clab_dataset *d, const char *by, int64_t n, clab_pcg *g,
                           clab_dataset **out)
{
    int64_t n_obs = clab_dataset_n_obs(d);
    const clab_value *labels = NULL;
    clab_value *levels = NULL;
    int32_t *codes = NULL;
    strata t = {0};
    clab_status s = clab_dataset_obs_get(cx, d, by, &labels);

    if (s == CLAB_OK)
        s = clab_value_codes(cx, labels, &levels, &codes);
    if (s == CLAB_OK)
        s = strata_new(cx, n_obs, clab_value_len(levels), &t);
    if (s == CLAB_OK) {
        sort_rows(&t, codes, n_obs);
        share_out(&t, n, n_obs);
    }
    for (int64_t k = 0; s == CLAB_OK && k < t.n_strata; k++) {
        if (t.quota[k] == 0)
            continue;
        s = draw(cx, g, t.cells[k], t.quota[k], t.drawn);
        for (int64_t i = 0; s == CLAB_OK && i < t.quota[k]; i++)
            t.mask[t.rows[t.start[k] + t.drawn[i]]] = 1;
    }
    if (s == CLAB_OK)
        s = clab_dataset_keep_obs(cx, d, t.mask, out);
    strata_free(cx, &t);
    clab_mem_free(cx, codes);
    clab_value_unref(levels);
    return s;
}

/* ---- the step -----------------------------------------------------------------------------------------*/

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    int64_t n = 0, *rows = NULL;
    clab_pcg g;
    clab_status s = how_many(cx, args, clab_dataset_n_obs(d), &n);

    if (s != CLAB_OK)
        return s;
    clab_pcg_seed(&g, (uint64_t)args[SEED].i);
    if (args[BY].given)
        return by_type(cx, d, args[BY].s, n, &g, out);
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8, "subsample", (void **)&rows);
    if (s == CLAB_OK)
        s = draw(cx, &g, clab_dataset_n_obs(d), n, rows);
    if (s == CLAB_OK)
        s = clab_dataset_take_obs(cx, d, rows, n, out);
    clab_mem_free(cx, rows);
    return s;
}

static const clab_param params[N_PARAMS] = {
    [N] = {.name = "n",
           .type = CLAB_P_INT,
           .def = "",
           .min = 1,
           .max = 9007199254740992.0,
           .unit = "cells",
           .help = "how many cells to draw"},
    [FRACTION] = {.name = "fraction",
                  .type = CLAB_P_NUM,
                  .def = "",
                  .min = 0,
                  .max = 1,
                  .unit = "",
                  .help = "or which part of them"},
    [SEED] = {.name = "seed",
              .type = CLAB_P_INT,
              .def = "0",
              .min = 0,
              .max = 9007199254740992.0,
              .unit = "",
              .help = "of the random numbers"},
    [BY] = {.name = "by",
            .type = CLAB_P_OBS,
            .def = "",
            .unit = "",
            .help = "draw from every type of this obs column in its share"},
};

const clab_step clab_step_subsample = {
    .name = "subsample",
    .group = "filter",
    .summary = "draw cells at random, alike in every type when asked",
    .formula = "numpy default_rng(seed).choice(N, n, replace=False) as scanpy.pp.sample, in the drawn order; "
               "with by: shares by largest remainder, cells stay in order",
    .reads = "obs.<by> when given",
    .writes = "",
    .params = params,
    .n_params = N_PARAMS,
    .positional = -1,
    .run = run,
};
