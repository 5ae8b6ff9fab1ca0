/* hvg_impl.h -- dispersions of genes and the choice among them, for the hvg step. */
#ifndef CLAB_HVG_IMPL_H
#define CLAB_HVG_IMPL_H

#include "base/ctx.h"

typedef struct {
    bool cell_ranger;     /* else seurat */
    int64_t n_top;        /* 0 = the four cutoffs decide */
    int64_t n_bins;       /* seurat */
    double min_mean, max_mean, min_disp, max_disp;
} clab__hvg_opts;

/* clab__hvg_dispersions -- normalised dispersions of n genes (docs/steps/hvg.md eq. 2-5).
 *   mean  in   n means of expm1 (seurat) or log values (cell_ranger); out: log1p of them for seurat
 *   disp  in   n variances; out: dispersions (ln of them for seurat, NaN where undefined)
 *   norm  out  n normalised dispersions, NaN where undefined
 * Errors: EARG when cell_ranger's bin edges coincide. */
CLAB_MUST_CHECK clab_status clab__hvg_dispersions(clab_ctx *cx, const clab__hvg_opts *o, int64_t n, double *mean,
                                                  double *disp, double *norm);

/* clab__hvg_choose -- chosen[i] = 1 for the genes that the options select in one batch (eq. 6). */
CLAB_MUST_CHECK clab_status clab__hvg_choose(clab_ctx *cx, const clab__hvg_opts *o, int64_t n, const double *mean,
                                             const double *norm, uint8_t *chosen);

/* clab__hvg_rank -- the n_top genes by batches that chose them, then normalised dispersion (NaN last),
 * then name, over all batches (eq. 7). */
CLAB_MUST_CHECK clab_status clab__hvg_rank(clab_ctx *cx, int64_t n_top, int64_t n, const int64_t *n_batches,
                                           const double *norm, const char *const *names, uint8_t *chosen);

#endif
