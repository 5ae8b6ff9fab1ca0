/* pca_gram.c -- the covariance matrix of few genes in one pass, and its eigenvectors.
 *
 * Only the upper triangle is made.  A sparse block is turned by gene, so that the row of the matrix that is
 * added to stays in the nearest cache; a dense one is multiplied in tiles by BLAS.  Each task owns rows or a
 * tile of the matrix: sums have one order for any number of threads.
 */
#include <math.h>
#include <string.h>

#include "base/pool.h"
#include "ledger/ledger.h"
#include "steps/pca_impl.h"

#define STRIPE 16          /* genes a task, sparse */
#define TILE 256           /* genes a side of a task, dense */
#define DENSE 0.25         /* of a block's entries that are stored */

typedef struct {
    const clab__pca *p;
    const clab_csr *b;
    double *gram;          /* G x G */
    clab__by_gene by_gene;
    double *dense;         /* rows x G */
    int64_t room;
} accumulator;

static clab_status add_stripe(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const accumulator *a = arg;
    const clab_csr *b = a->b;
    int64_t g = a->p->g, end = (task + 1) * STRIPE < g ? (task + 1) * STRIPE : g;

    (void)cx;
    (void)worker;
    for (int64_t j = task * STRIPE; j < end; j++) {
        double *restrict row = a->gram + j * g;
        for (int64_t e = a->by_gene.start[j]; e < a->by_gene.start[j + 1]; e++) {
            int64_t at = a->by_gene.entry[e].at, last = b->indptr[a->by_gene.entry[e].row + 1];
            double x = b->f64[at];
            for (int64_t k = at; k < last; k++)
                row[b->indices[k]] += x * b->f64[k];
        }
    }
    return CLAB_OK;
}

static clab_status add_sparse(accumulator *a)
{
    clab_status s = clab__by_gene_set(a->p->cx, &a->by_gene, a->b);

    return s == CLAB_OK ? clab_parallel(a->p->cx, (a->p->g + STRIPE - 1) / STRIPE, add_stripe, a) : s;
}

/* Task number to the tile (i, j), i <= j, of the upper triangle. */
static clab_status add_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const accumulator *a = arg;
    int64_t g = a->p->g, tiles = (g + TILE - 1) / TILE, i = 0;

    (void)cx;
    (void)worker;
    for (; task >= tiles - i; i++)
        task -= tiles - i;
    int64_t row = i * TILE, col = (i + task) * TILE;
    clab_blas_dgemm(&a->p->blas, true, false, g - row < TILE ? g - row : TILE, g - col < TILE ? g - col : TILE,
                    a->b->n_rows, a->dense + row, g, a->dense + col, g, 1, a->gram + row * g + col, g);
    return CLAB_OK;
}

static clab_status add_dense(accumulator *a)
{
    const clab_csr *b = a->b;
    int64_t g = a->p->g, tiles = (g + TILE - 1) / TILE;
    void *p = a->dense;
    clab_status s = CLAB_OK;

    if (b->n_rows > a->room) {
        s = clab_mem_grow(a->p->cx, CLAB_MEM_WORK, b->n_rows * g * 8, "pca", &p);
        a->dense = p;
        if (s == CLAB_OK)
            a->room = b->n_rows;
    }
    if (s != CLAB_OK)
        return s;
    memset(a->dense, 0, (size_t)(b->n_rows * g) * 8);
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
            a->dense[i * g + b->indices[k]] = b->f64[k];
    return clab_parallel(a->p->cx, tiles * (tiles + 1) / 2, add_tile, a);
}

static clab_status stream(accumulator *a)
{
    const clab__pca *p = a->p;
    clab__pca_stream *r = NULL;
    clab_status s = clab__pca_open(p, "pca: covariance", &r);

    memset(p->sum, 0, (size_t)p->g * 8);
    while (s == CLAB_OK && (s = clab__pca_next(p, r, &a->b)) == CLAB_OK && a->b) {
        for (int64_t k = 0; k < a->b->nnz; k++)
            p->sum[a->b->indices[k]] += a->b->f64[k];
        bool dense = (double)a->b->nnz > DENSE * (double)a->b->n_rows * (double)p->g;
        s = dense ? add_dense(a) : add_sparse(a);
        if (s != CLAB_OK)
            break;
    }
    clab__pca_close(p, r);
    return s;
}

/* Products of stored parts to (y - c)'(y - c)/divisor, c the mean or 0: d = base - c takes the place of what is
 * not stored. */
static void finish(clab__pca *p, double *gram)
{
    const double n = (double)p->n, divisor = p->centre ? n - 1 : n;

    for (int64_t i = 0; i < p->g; i++)
        for (int64_t j = i; j < p->g; j++) {
            double more = p->sum[i] * p->shift[j] + p->shift[i] * p->sum[j] + n * p->shift[i] * p->shift[j];
            gram[i * p->g + j] = (gram[i * p->g + j] + more) / divisor;
        }
    p->total = 0;
    for (int64_t j = 0; j < p->g; j++)
        p->total += gram[j * p->g + j] - (p->centre ? 0 : p->mean[j] * p->mean[j]);
}

/* ---- without LAPACK: Lanczos over the matrix ---------------------------------------------------------------*/

typedef struct {
    const clab__pca *p;
    const double *gram;
} matrix;

static clab_status matrix_times(clab_ctx *cx, void *user, int64_t b, const double *v, double *w)
{
    const matrix *m = user;

    clab_blas_dgemm(&m->p->blas, false, false, m->p->g, b, m->p->g, m->gram, m->p->g, v, b, 0, w, b);
    return clab_check(cx);
}

static clab_status eigen(clab__pca *p, double *gram, clab__components *c)
{
    matrix m = {p, gram};

    if (p->blas.dsyevr || p->g <= 200)
        return clab_blas_eigen(p->cx, &p->blas, p->g, gram, c->k, c->values, c->loadings);
    clab_note(p->cx, "pca: no LAPACK beside the matrix products: eigenvectors by Lanczos, slower "
                     "(Debian: apt-get install libopenblas0-pthread)");
    for (int64_t i = 0; i < p->g; i++)
        for (int64_t j = 0; j < i; j++)
            gram[i * p->g + j] = gram[j * p->g + i];
    return clab__lanczos(p->cx, &p->blas, p->g, matrix_times, &m, 1e-11, 0, c);
}

clab_status clab__pca_covariance(clab__pca *p, clab__components *c)
{
    accumulator a = {.p = p};
    int64_t bytes;
    clab_status s = clab_mem_size(p->cx, p->g, (size_t)p->g * 8, &bytes);

    if (s == CLAB_OK)
        s = clab_mem_zalloc(p->cx, CLAB_MEM_WORK, bytes, "covariance", (void **)&a.gram);
    if (s == CLAB_OK)
        s = stream(&a);
    clab__by_gene_free(p->cx, &a.by_gene);
    clab_mem_free(p->cx, a.dense);
    if (s == CLAB_OK)
        s = clab__pca_means(p, a.gram, p->g + 1);
    if (s == CLAB_OK) {
        finish(p, a.gram);
        s = eigen(p, a.gram, c);
    }
    clab_mem_free(p->cx, a.gram);
    return s;
}
