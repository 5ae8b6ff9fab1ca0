/* filter_genes.c -- keep genes by the number of their cells and their total.  docs/steps/filter_genes.md */
#include "ledger/ledger.h"
#include "steps/filter_impl.h"
#include "steps/stats_impl.h"

static clab_status write_columns(clab_ctx *cx, clab_dataset *d, const clab_arg *args, const clab__gene_sums *w,
                                 clab_dtype t)
{
    clab_value *v = NULL;
    clab_status s = CLAB_OK;

    if (args[CLAB__MIN_NUMBER].given || args[CLAB__MAX_NUMBER].given) {
        s = clab_value_array(cx, CLAB_I64, 1, &w->n_genes, w->positive, &v);
        if (s == CLAB_OK)
            s = clab_dataset_var_set(cx, d, "n_cells", v);
        clab_value_unref(v);
        v = NULL;
    }
    if (s == CLAB_OK && (args[CLAB__MIN_COUNTS].given || args[CLAB__MAX_COUNTS].given)) {
        s = clab__filter_totals(cx, w->sum, w->n_genes, t, &v);
        if (s == CLAB_OK)
            s = clab_dataset_var_set(cx, d, "n_counts", v);
        clab_value_unref(v);
    }
    return s;
}

static clab_status run(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, clab_dataset **out)
{
    const clab_matrix *m = NULL;
    const clab__gene_sums_opts o = {.n_groups = 1, .log_base = 1, .phase = "filter_genes"};
    clab__gene_sums *w = NULL;
    clab_dataset *noted = NULL;
    void *keep = NULL;
    clab_status s = clab__filter_check(cx, &clab_step_filter_genes, args);

    if (s == CLAB_OK)
        s = clab__filter_values(cx, d, &clab_step_filter_genes, args, &m);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, clab_dataset_n_vars(d) + 8, "filter_genes", &keep);
    if (s == CLAB_OK)
        s = clab__gene_sums_new(cx, m, &o, &w);
    if (s == CLAB_OK)
        s = clab__filter_mask(cx, &clab_step_filter_genes, args, w->positive, w->sum, w->n_genes, "genes", keep);
    if (s == CLAB_OK)
        s = clab_dataset_copy(cx, d, &noted);
    if (s == CLAB_OK)
        s = write_columns(cx, noted, args, w, clab_matrix_dtype(m));
    if (s == CLAB_OK)
        s = clab_dataset_keep_vars(cx, noted, keep, out);
    clab_dataset_unref(noted);
    clab__gene_sums_free(w);
    clab_mem_free(cx, keep);
    return s;
}

static clab_status estimate(clab_ctx *cx, const clab_dataset *d, const clab_arg *args, int64_t *bytes)
{
    (void)cx;
    (void)args;
    *bytes = clab__gene_sums_bytes(clab_dataset_n_vars(d), 1);
    return CLAB_OK;
}

static const clab_param params[] = {
    [CLAB__MIN_NUMBER] = {.name = "min_cells", .type = CLAB_P_INT, .def = "", .min = 0, .max = 1e15,
                          .unit = "cells", .help = "keep genes above 0 in at least so many cells"},
    [CLAB__MAX_NUMBER] = {.name = "max_cells", .type = CLAB_P_INT, .def = "", .min = 0, .max = 1e15,
                          .unit = "cells", .help = "keep genes above 0 in at most so many cells"},
    [CLAB__MIN_COUNTS] = {.name = "min_counts", .type = CLAB_P_NUM, .def = "", .min = -1e300, .max = 1e300,
                          .unit = "counts", .help = "keep genes with at least this total"},
    [CLAB__MAX_COUNTS] = {.name = "max_counts", .type = CLAB_P_NUM, .def = "", .min = -1e300, .max = 1e300,
                          .unit = "counts", .help = "keep genes with at most this total"},
};

const clab_step clab_step_filter_genes = {
    .name = "filter_genes",
    .group = "filter",
    .summary = "keep genes by the number of cells that have them and their total counts",
    .formula = "number = cells with x > 0, total = sum of x; bounds inclusive, as scanpy.pp.filter_genes",
    .reads = "counts (X where there are none)",
    .writes = "var.n_cells, var.n_counts (of the bounds given)",
    .params = params,
    .n_params = CLAB__N_BOUNDS,
    .positional = -1,
    .run = run,
    .estimate = estimate,
};
