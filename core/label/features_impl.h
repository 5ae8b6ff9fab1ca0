/* features_impl.h -- what the classifier looks at: latent coordinates, the log-normalised counts of chosen
 * genes, or both, standardised; and the stream that makes them row by row.
 * N cells, D latent, P chosen genes, F = D + P features (latent first), G genes of a dataset. */
#ifndef CLAB_FEATURES_IMPL_H
#define CLAB_FEATURES_IMPL_H

#include <math.h>

#include "data/dataset.h"
#include "data/rows.h"
#include "models/xgboost.h"

typedef struct {
    char *latent_key;     /* of obsm; NULL = no latent */
    int64_t n_latent;     /* D */
    clab_value *genes;    /* STRINGS (P), in the reference's order; NULL = none */
    clab_value *universe; /* STRINGS: the genes whose counts make up a cell's total */
    double *mean, *std;   /* F; NULL = not standardised yet.  std is never 0 */
} clab__features;

void clab__features_free(clab_ctx *cx, clab__features *f);
int64_t clab__features_n(const clab__features *f);

/* ---- the stream ------------------------------------------------------------------------------------*/
typedef struct clab__feature_stream clab__feature_stream;

/* clab__feature_stream_open -- features of cells rows[0..n-1] of d (NULL: all, n ignored), in blocks of at
 * most 4 MiB.  f, d and rows are borrowed.  Genes that d lacks count as 0, which is said; ENOTFOUND when
 * more than half of the chosen ones are missing or there is no such latent. */
CLAB_MUST_CHECK clab_status clab__feature_stream_open(clab_ctx *cx, const clab__features *f, const clab_dataset *d,
                                                      const int64_t *rows, int64_t n, clab__feature_stream **out);
void clab__feature_stream_close(clab_ctx *cx, clab__feature_stream *s); /* NULL is fine */
clab_feature_rows clab__feature_stream_rows(clab__feature_stream *s);

/* clab__features_standardise -- mean and std (divisor N) of every feature over these cells, as scikit-learn's
 * StandardScaler: a std that is 0 up to rounding becomes 1. */
CLAB_MUST_CHECK clab_status clab__features_standardise(clab_ctx *cx, clab__features *f, const clab_dataset *d,
                                                       const int64_t *rows, int64_t n);

/* ---- log-normalised counts -------------------------------------------------------------------------
 * y = log1p(x / f), f = float32(total / 1e4), as scanpy's normalize_total(target_sum=1e4) and log1p.
 * Column roles: >= 0 = the chosen gene it is, or one of these. */
enum { CLAB__COUNTED = -1, CLAB__IGNORED = -2 };

static inline float clab__size_factor(const clab_csr *b, int64_t row, const int32_t *role)
{
    double total = 0;
    float factor;

    for (int64_t i = b->indptr[row]; i < b->indptr[row + 1]; i++)
        if (role[b->indices[i]] != CLAB__IGNORED)
            total += (double)b->f32[i];
    factor = (float)total / 1e4f;
    return factor > 0 ? factor : 1;
}

static inline float clab__log_normal(float x, float factor)
{
    return log1pf(x / factor);
}

/* clab__gene_roles -- the role of each of d's genes: counted when universe has it (the first of equal names),
 * its place when genes (may be NULL) has it.  *n_missing (may be NULL): chosen genes that d lacks.
 * Caller clab_mem_free's *role (int32, G). */
CLAB_MUST_CHECK clab_status clab__gene_roles(clab_ctx *cx, const clab_dataset *d, const clab_value *universe,
                                             const clab_value *genes, int32_t **role, int64_t *n_missing);

/* ---- choosing genes ----------------------------------------------------------------------------------
 * clab__anova -- F of every gene between the k classes, over the log-normalised counts of cells
 * rows[0..n-1] with classes y.  One pass; 8 (K + 2) G bytes.  Formula as scikit-learn's f_classif, in float64:
 * F = (between / (K-1)) / (within / (n-K)); NaN for constant genes and ignored ones.
 *   f  out  float64 (G); caller allocates */
CLAB_MUST_CHECK clab_status clab__anova(clab_ctx *cx, const clab_dataset *d, const int32_t *role, const int64_t *rows,
                                        const int32_t *y, int64_t n, int k, double *f);

/* clab__top -- the n_top genes of largest F (ties: earlier first; NaN never), as rising indices.
 * Caller clab_mem_free's *chosen; *n_chosen may be less than n_top. */
CLAB_MUST_CHECK clab_status clab__top(clab_ctx *cx, const double *f, int64_t n_genes, int64_t n_top, int64_t **chosen,
                                      int64_t *n_chosen);

#endif
