/* filter_cells.c -- keep cells by their number of genes and their total.  docs/steps/filter_cells.md */
#include "ledger/ledger.h"
#include "steps/filter_impl.h"
#include "steps/stats_impl.h"

typedef struct {
    double *counts;    /* N */
    int64_t *n_genes;  /* N */
    uint8_t *keep;     /* N */
} numbers;

/* Columns only for the bounds that were given, as scanpy. */
static clab_status write_columns(clab_ctx *cx, clab_dataset *d, const clab_arg *args, const numbers *w, clab_dtype t)
{
    int64_t n = clab_dataset_n_obs(d);
    clab_value *v = NULL;
    clab_status s = CLAB_OK;

    if (args[CLAB__MIN_NUMBER].given || args[CLAB__MAX_NUMBER].given) {
        s = clab_value_array(cx, CLAB_I64, 1, &n, w->n_genes, &v);
        if (s == CLAB_OK)
            s = clab_dataset_obs_set(cx, d, "n_genes", v);
        clab_value_unref(v);
        v = NULL;
    }
    if (s == CLAB_OK && (args[CLAB__MIN_COUNTS].given || args[CLAB__MAX_COUNTS].given)) {
        s = clab__filter_totals(cx, w->counts, n, t, &v);
        if (s == CLAB_OK)
            s = clab_dataset_obs_set(cx, d, "n_counts", v);
        clab_value_unref(v);
    }
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *m = NULL;
    int64_t n = clab_dataset_n_obs(d);
    void *counts = NULL, *genes = NULL, *keep = NULL;
    clab_dataset *noted = NULL;
    clab__cell_sums_opts so = {.phase = "filter_cells"};
    numbers w;
    clab_status s = clab__filter_check(cx, &clab_step_filter_cells, args);

    if (s == CLAB_OK)
        s = clab__filter_values(cx, d, &clab_step_filter_cells, args, &m);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "filter_cells", &counts);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n * 8 + 8, "filter_cells", &genes);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n + 8, "filter_cells", &keep);
    if (s != CLAB_OK)
        goto done;
    w = (numbers){counts, genes, keep};
    so.f64 = clab_matrix_dtype(m) != CLAB_F32;
    s = clab__cell_sums(cx, m, &so, w.counts, w.n_genes);
    if (s == CLAB_OK)
        s = clab__filter_mask(cx, &clab_step_filter_cells, args, w.n_genes, w.counts, n, "cells", w.keep);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &noted);
    if (s == CLAB_OK)
        s = write_columns(cx, noted, args, &w, clab_matrix_dtype(m));
    if (s == CLAB_OK)
        s = clab_dataset_keep_obs(cx, noted, w.keep, out);
done:
    clab_dataset_unref(noted);
    clab_mem_free(cx, keep);
    clab_mem_free(cx, genes);
    clab_mem_free(cx, counts);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)args;
    return clab_mem_size(cx, clab_dataset_n_obs(d), 33, bytes);
}

static const clab_param params[] = {
    [CLAB__MIN_NUMBER] = {.name = "min_genes", .type = CLAB_P_INT, .def = "", .min = 0, .max = 2147483647,
                          .unit = "genes", .help = "keep cells with at least so many genes above 0"},
    [CLAB__MAX_NUMBER] = {.name = "max_genes", .type = CLAB_P_INT, .def = "", .min = 0, .max = 2147483647,
                          .unit = "genes", .help = "keep cells with at most so many genes above 0"},
    [CLAB__MIN_COUNTS] = {.name = "min_counts", .type = CLAB_P_NUM, .def = "", .min = -1e300, .max = 1e300,
                          .unit = "counts", .help = "keep cells with at least this total"},
    [CLAB__MAX_COUNTS] = {.name = "max_counts", .type = CLAB_P_NUM, .def = "", .min = -1e300, .max = 1e300,
                          .unit = "counts", .help = "keep cells with at most this total"},
};

const clab_step clab_step_filter_cells = {
    .name = "filter_cells",
    .group = "filter",
    .summary = "keep cells by the number of their genes and their total counts",
    .formula = "number = genes with x > 0, total = sum of x; bounds inclusive, as scanpy.pp.filter_cells",
    .reads = "counts (X where there are none)",
    .writes = "obs.n_genes, obs.n_counts (of the bounds given)",
    .params = params,
    .n_params = CLAB__N_BOUNDS,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
