/* keep_labels.c -- keep the cells of the types that have enough of them.  docs/steps/keep_labels.md */
#include <stdlib.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/step.h"

enum { BY, MIN_CELLS, TOP, KEEP_MISSING, N_PARAMS };

typedef struct {
    clab_value *levels;
    int32_t *codes;        /* N, -1 = missing */
    int64_t n_levels;
    int64_t *cells;        /* of each level */
    int64_t *order;        /* levels by falling number of cells */
    uint8_t *keep;         /* level is kept */
    int64_t n_used, n_kept, missing;
} census;

static int by_cells(const void *a, const void *b, void *arg)
{
    const int64_t *cells = arg, i = *(const int64_t *)a, j = *(const int64_t *)b;

    return cells[i] != cells[j] ? (cells[i] < cells[j]) - (cells[i] > cells[j]) : (i > j) - (i < j);
}

static clab_status take_census(clab_ctx *cx, const clab_value *labels, int64_t n, census *c)
{
    clab_status s = clab_value_codes(cx, labels, &c->levels, &c->codes);

    if (s != CLAB_OK)
        return s;
    c->n_levels = clab_value_len(c->levels);
    s = clab_mem_zalloc(cx, CLAB_MEM_WORK, c->n_levels * 8 + 8, "keep_labels", (void **)&c->cells);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, c->n_levels * 8 + 8, "keep_labels", (void **)&c->order);
    if (s == CLAB_OK)
        s = clab_mem_zalloc(cx, CLAB_MEM_WORK, c->n_levels + 1, "keep_labels", (void **)&c->keep);
    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < n; i++)
        if (c->codes[i] < 0)
            c->missing++;
        else
            c->cells[c->codes[i]]++;
    for (int64_t k = 0; k < c->n_levels; k++)
        if (c->cells[k] > 0)
            c->order[c->n_used++] = k;
    qsort_r(c->order, (size_t)c->n_used, sizeof *c->order, by_cells, c->cells);
    return CLAB_OK;
}

static void census_free(clab_ctx *cx, census *c)
{
    clab_value_unref(c->levels);
    clab_mem_free(cx, c->codes);
    clab_mem_free(cx, c->cells);
    clab_mem_free(cx, c->order);
    clab_mem_free(cx, c->keep);
}

static const char *level_name(const census *c, int64_t level, char *buf, size_t n)
{
    const char *name = clab_value_at_str(c->levels, level, buf, n);

    return name ? clab_show(name) : "?";
}

/* The rarest are said last, so a long list loses only those. */
static void tell(clab_ctx *cx, const char *by, const census *c, bool keep_missing)
{
    clab_str b = {0};
    char buf[40];
    int64_t dropped = 0, cells = 0;

    for (int64_t k = 0; k < c->n_used; k++) {
        int64_t level = c->order[k];
        if (c->keep[level])
            continue;
        if (dropped++ < 30)
            clab_str_addf(&b, "%s%s (%s)", dropped > 1 ? ", " : "", level_name(c, level, buf, sizeof buf),
                          clab_text_count(c->cells[level]));
        cells += c->cells[level];
    }
    if (dropped > 30)
        clab_str_addf(&b, " and %s more", clab_text_count(dropped - 30));
    if (dropped > 0)
        clab_note(cx, "keep_labels: %s of %s types of %s are dropped with %s cells: %s",
                  clab_text_count(dropped), clab_text_count(c->n_used), clab_show(by), clab_text_count(cells),
                  b.s ? b.s : "");
    else
        clab_note(cx, "keep_labels: all %s types of %s are kept", clab_text_count(c->n_used), clab_show(by));
    if (c->missing > 0)
        clab_note(cx, "keep_labels: %s cells without a label in %s are %s", clab_text_count(c->missing),
                  clab_show(by), keep_missing ? "kept" : "dropped (keep_missing=true keeps them)");
    clab_str_free(&b);
}

static clab_status nothing_left(clab_ctx *cx, const clab_dataset *d, const char *by, const census *c, int64_t min_cells)
{
    char buf[40];

    if (c->n_used == 0)
        return clab_hint(cx, "%s", (clab_fail(cx, CLAB_ESTATE, "no cell of %s has a label in %s", clab_show(d->name),
                                              clab_show(by)),
                                    "print(ds.obs) shows the columns there are"));
    clab_fail(cx, CLAB_ESTATE, "no type of %s in %s has %s cells: the largest, %s, has %s", clab_show(by), clab_show(d->name),
              clab_text_count(min_cells), level_name(c, c->order[0], buf, sizeof buf),
              clab_text_count(c->cells[c->order[0]]));
    return clab_hint(cx, "lower min_cells, or see ds.obs[\"%s\"]:value_counts()", clab_show(by));
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    int64_t n = clab_dataset_n_obs(d), top = args[TOP].given ? args[TOP].i : INT64_MAX;
    const clab_value *labels = NULL;
    uint8_t *mask = NULL;
    census c = {0};
    clab_status s = clab_dataset_obs_get(cx, d, args[BY].s, &labels);

    if (s == CLAB_OK)
        s = take_census(cx, labels, n, &c);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n + 1, "keep_labels", (void **)&mask);
    if (s != CLAB_OK)
        goto done;
    for (int64_t k = 0; k < c.n_used && k < top; k++)
        if (c.cells[c.order[k]] >= args[MIN_CELLS].i) {
            c.keep[c.order[k]] = 1;
            c.n_kept++;
        }
    if (c.n_kept == 0) {
        s = nothing_left(cx, d, args[BY].s, &c, args[MIN_CELLS].i);
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        mask[i] = c.codes[i] < 0 ? args[KEEP_MISSING].b : c.keep[c.codes[i]];
    tell(cx, args[BY].s, &c, args[KEEP_MISSING].b);
    s = clab_dataset_keep_obs(cx, d, mask, out);
done:
    census_free(cx, &c);
    clab_mem_free(cx, mask);
    return s;
}

static const clab_param params[N_PARAMS] = {
    [BY] = {.name = "by", .type = CLAB_P_OBS, .def = NULL, .unit = "", .help = "obs column with the labels"},
    [MIN_CELLS] = {.name = "min_cells",
                   .type = CLAB_P_INT,
                   .def = "10",
                   .min = 0,
                   .max = 9007199254740992.0,
                   .unit = "cells",
                   .help = "a type with fewer is dropped"},
    [TOP] = {.name = "top",
             .type = CLAB_P_INT,
             .def = "",
             .min = 1,
             .max = 9007199254740992.0,
             .unit = "types",
             .help = "of the rest, keep only so many with the most cells"},
    [KEEP_MISSING] = {.name = "keep_missing",
                      .type = CLAB_P_BOOL,
                      .def = "false",
                      .unit = "",
                      .help = "keep the cells that have no label"},
};

const clab_step clab_step_keep_labels = {
    .name = "keep_labels",
    .group = "filter",
    .summary = "keep the cells of the types that have enough of them",
    .formula = "a type stays when it has min_cells cells and is among the top largest; ties in level order",
    .reads = "obs.<by>",
    .writes = "",
    .params = params,
    .n_params = N_PARAMS,
    .positional = -1,
    .run = run,
};
