/* pca_impl.h -- principal components of a matrix that is never made dense.
 *
 * Rows are y = s + base: s what is stored, base what stands where nothing is (zero but for centred scaling).
 * y less the mean is s + shift, so that sums over stored entries and rank-one terms are all there is.
 * N cells, G genes used, K components, B vectors multiplied at a time.
 */
#ifndef CLAB_PCA_IMPL_H
#define CLAB_PCA_IMPL_H

#include "backend/blas.h"
#include "data/rows.h"
#include "steps/step.h"

#define CLAB__PCA_MAX 512 /* components, and vectors at a time */

typedef struct {
    clab_ctx *cx;
    const clab_matrix *m;  /* N x G */
    int64_t n, g;
    bool centre;
    clab_blas blas;
    double *base;          /* G: what stands where nothing is stored */
    double *mean;          /* G: of y */
    double *shift;         /* G: base - mean where centred, else base */
    double *sum;           /* G: of s */
    double total;          /* variance of all genes together, divisor n-1 where centred, else n */
} clab__pca;

typedef struct {
    int64_t k;
    double *values;        /* K, falling: eigenvalues of (y - mean)'(y - mean)/(n-1), or of y'y/n */
    double *loadings;      /* K x G: row i is component i, of length 1 */
} clab__components;

/* clab__pca_base -- base from the first rows of m: what the others are over is brought to it (pca_rows.c). */
CLAB_MUST_CHECK clab_status clab__pca_base(clab__pca *p);

/* The stream over s: float64, blocks whose size does not depend on threads.  Close it, also after an error. */
typedef struct clab__pca_stream clab__pca_stream;
CLAB_MUST_CHECK clab_status clab__pca_open(const clab__pca *p, const char *phase, clab__pca_stream **out);
CLAB_MUST_CHECK clab_status clab__pca_next(const clab__pca *p, clab__pca_stream *s, const clab_csr **block);
void clab__pca_close(const clab__pca *p, clab__pca_stream *s);

/* clab__pca_moments -- fills mean, shift, sum and total in one pass.  EARG in words when y holds NaN or infinity. */
CLAB_MUST_CHECK clab_status clab__pca_moments(clab__pca *p);

/* clab__pca_means -- mean and shift from p->sum; squares[j * stride] is the sum of squares of s, for the check. */
CLAB_MUST_CHECK clab_status clab__pca_means(clab__pca *p, const double *squares, int64_t stride);

/* clab__pca_scores -- scores (N x K, float32) = (y - mean) loadings', in one pass. */
CLAB_MUST_CHECK clab_status clab__pca_scores(const clab__pca *p, const clab__components *c, float *scores);

/* ---- a block by gene ------------------------------------------------------------------------------------
 * Entries of gene j are entry[start[j] .. start[j+1]-1], cells rising. */
typedef struct {
    int64_t *start;        /* G + 1 */
    struct clab__place {
        int32_t at, row;   /* the block's entry, and its row */
    } *entry;
    int64_t room;
} clab__by_gene;

CLAB_MUST_CHECK clab_status clab__by_gene_set(clab_ctx *cx, clab__by_gene *t, const clab_csr *b);
void clab__by_gene_free(clab_ctx *cx, clab__by_gene *t);

/* ---- few genes: the covariance matrix (pca_gram.c) ---------------------------------------------------------
 * One pass.  Sparse blocks add products of stored entries; blocks with more than a quarter of all entries are
 * multiplied as dense tiles.  Memory: 8 G^2. */
CLAB_MUST_CHECK clab_status clab__pca_covariance(clab__pca *p, clab__components *c);

/* ---- many genes: block Lanczos (pca_lanczos.c) ---------------------------------------------------------------
 * clab__lanczos -- the k largest eigenpairs of a symmetric operator, by a Krylov space of blocks with full
 * orthogonalisation and thick restarts (Golub & Underwood 1977; Wu & Simon 2000).
 *   times  in   w (g x b) = operator x v (g x b), row-major, contiguous
 *   tol    in   stop when every residual is below tol x its eigenvalue, or 1e-13 x the largest one
 * Deterministic for a seed.  Memory: clab__lanczos_bytes. */
typedef clab_status clab__times_fn(clab_ctx *cx, void *user, int64_t b, const double *v, double *w);
CLAB_MUST_CHECK clab_status clab__lanczos(clab_ctx *cx, const clab_blas *bl, int64_t g, clab__times_fn *times,
                                          void *user, double tol, uint64_t seed, clab__components *c);
int64_t clab__lanczos_bytes(int64_t g, int64_t k);

/* The same for the covariance of a matrix, two products a pass over its rows. */
CLAB_MUST_CHECK clab_status clab__pca_lanczos(const clab__pca *p, uint64_t seed, clab__components *c);

#endif
