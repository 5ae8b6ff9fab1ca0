/* hvg_impl.h -- dispersions of genes and the choice among them, for the hvg step. */
#ifndef CLAB_HVG_IMPL_H
#define CLAB_HVG_IMPL_H

#include "steps/step.h"

typedef struct {
    const char *flavor;
    bool cell_ranger;     /* else seurat */
    bool paper;           /* seurat_v3_paper, else seurat_v3 */
    const clab_arg *layer;
    int64_t n_top;        /* 0 = the four cutoffs decide */
    int64_t n_bins;       /* seurat */
    double min_mean, max_mean, min_disp, max_disp;
    double span;          /* seurat_v3, and below */
    bool check_values;
} clab__hvg_opts;

typedef struct {
    int n;                /* 1 without a batch_key */
    clab_value *names;    /* NULL without a batch_key */
    int32_t *codes;       /* N, < 0 = in none; NULL = all in the first */
} clab__hvg_batches;

/* The flavours: each writes its columns into var of `marked`, a handle of d, and marks G chosen genes. */
CLAB_MUST_CHECK clab_status clab__hvg_by_dispersion(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o,
                                                    const clab__hvg_batches *batches, clab_dataset *marked,
                                                    uint8_t *chosen);
CLAB_MUST_CHECK clab_status clab__hvg_by_variance(clab_ctx *cx, const clab_dataset *d, const clab__hvg_opts *o,
                                                  const clab__hvg_batches *batches, clab_dataset *marked,
                                                  uint8_t *chosen);
int64_t clab__hvg_variance_bytes(int64_t n_genes, int n_batches); /* what the latter takes */

/* A column of var from n_genes values of type t. */
CLAB_MUST_CHECK clab_status clab__hvg_column(clab_ctx *cx, clab_dataset *d, const char *name, clab_dtype t,
                                             const void *values);
/* Puts the batch's name in front of a recorded error; returns its status. */
clab_status clab__hvg_blame(clab_ctx *cx, const clab__hvg_batches *b, int batch);

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

/* clab__hvg_cut -- the same by the four cutoffs on averages over batches, norm holding no NaN (eq. 7). */
void clab__hvg_cut(const clab__hvg_opts *o, int64_t n, const double *mean, const double *norm, uint8_t *chosen);

/* clab__hvg_rank -- the n_top genes by batches that chose them, then normalised dispersion (NaN last),
 * then name, over all batches (eq. 7). */
CLAB_MUST_CHECK clab_status clab__hvg_rank(clab_ctx *cx, int64_t n_top, int64_t n, const int64_t *n_batches,
                                           const double *norm, const char *const *names, uint8_t *chosen);

#endif
