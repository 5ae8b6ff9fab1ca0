/* pca_stream.c -- passes over the rows for pca: moments, scores, and the covariance times a few vectors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "steps/pca_impl.h"

#define TILE_ROWS 64
#define STRIPE 32         /* genes a task */
#define TOL 1e-6          /* of the residuals of streamed Lanczos */

/* ---- a block by gene -------------------------------------------------------------------------------------*/

clab_status clab__by_gene_set(clab_ctx *cx, clab__by_gene *t, const clab_csr *b)
{
    clab_status s = CLAB_OK;

    if (!t->start)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, (b->n_cols + 1) * 8, "pca", (void **)&t->start);
    if (s == CLAB_OK && b->nnz > t->room) {
        void *p = t->entry;
        s = clab_mem_grow(cx, CLAB_MEM_WORK, b->nnz * (int64_t)sizeof *t->entry, "pca", &p);
        t->entry = p;
        if (s == CLAB_OK)
            t->room = b->nnz;
    }
    if (s != CLAB_OK)
        return s;
    memset(t->start, 0, (size_t)(b->n_cols + 1) * 8);
    for (int64_t k = 0; k < b->nnz; k++)
        t->start[b->indices[k] + 1]++;
    for (int64_t j = 0; j < b->n_cols; j++)
        t->start[j + 1] += t->start[j];
    for (int64_t i = 0; i < b->n_rows; i++)
        for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++)
            t->entry[t->start[b->indices[k]]++] = (struct clab__place){(int32_t)k, (int32_t)i};
    memmove(t->start + 1, t->start, (size_t)b->n_cols * 8);
    t->start[0] = 0;
    return CLAB_OK;
}

void clab__by_gene_free(clab_ctx *cx, clab__by_gene *t)
{
    clab_mem_free(cx, t->start);
    clab_mem_free(cx, t->entry);
    *t = (clab__by_gene){0};
}

/* ---- moments ---------------------------------------------------------------------------------------------*/

clab_status clab__pca_means(clab__pca *p, const double *squares, int64_t stride)
{
    for (int64_t j = 0; j < p->g; j++) {
        double away = p->sum[j] / (double)p->n;
        if (!isfinite(squares[j * stride])) {
            (void)clab_fail(p->cx, CLAB_EARG, "X holds NaN or infinity: it has no principal components");
            return clab_hint(p->cx, "start from counts, or leave out the genes that hold such values");
        }
        p->mean[j] = p->base[j] + away;
        p->shift[j] = p->centre ? -away : p->base[j];
    }
    return CLAB_OK;
}

clab_status clab__pca_moments(clab__pca *p)
{
    const double n = (double)p->n;
    const clab_csr *b = NULL;
    clab__pca_stream *r = NULL;
    double *squares = NULL;
    clab_status s = clab_mem_zalloc(p->cx, CLAB_MEM_WORK, p->g * 8 + 8, "pca", (void **)&squares);

    if (s == CLAB_OK)
        s = clab__pca_open(p, "pca: means", &r);
    memset(p->sum, 0, (size_t)p->g * 8);
    while (s == CLAB_OK && (s = clab__pca_next(p, r, &b)) == CLAB_OK && b)
        for (int64_t k = 0; k < b->nnz; k++) {
            p->sum[b->indices[k]] += b->f64[k];
            squares[b->indices[k]] += b->f64[k] * b->f64[k];
        }
    if (s == CLAB_OK)
        s = clab__pca_means(p, squares, 1);
    p->total = 0;
    for (int64_t j = 0; s == CLAB_OK && j < p->g; j++) {
        double var = squares[j] - p->sum[j] * p->sum[j] / n;
        p->total += (var > 0 ? var : 0) / (p->centre ? n - 1 : n);
    }
    clab__pca_close(p, r);
    clab_mem_free(p->cx, squares);
    return s;
}

/* ---- rows times vectors ----------------------------------------------------------------------------------*/

typedef struct {
    const clab__pca *p;
    const clab_csr *b;
    int64_t k;             /* vectors */
    const double *v;       /* G x k */
    const double *offset;  /* k: shift times v */
    double *t;             /* rows of the block x k; or NULL and ... */
    float *scores;         /* ... N x k */
    const clab__by_gene *by_gene;
    double *w;             /* G x k */
} product;

static void add_row(int64_t k, double x, const double *restrict v, double *restrict sum)
{
    for (int64_t c = 0; c < k; c++)
        sum[c] += x * v[c];
}

/* t (or scores) = s v + offset, a tile of rows. */
static clab_status rows_tile(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const product *q = arg;
    const clab_csr *b = q->b;
    int64_t end = (task + 1) * TILE_ROWS < b->n_rows ? (task + 1) * TILE_ROWS : b->n_rows;
    double own[CLAB__PCA_MAX];

    (void)cx;
    (void)worker;
    for (int64_t i = task * TILE_ROWS; i < end; i++) {
        double *sum = q->t ? q->t + i * q->k : own;
        memcpy(sum, q->offset, (size_t)q->k * sizeof *sum);
        for (int64_t e = b->indptr[i]; e < b->indptr[i + 1]; e++)
            add_row(q->k, b->f64[e], q->v + b->indices[e] * q->k, sum);
        for (int64_t c = 0; q->scores && c < q->k; c++)
            q->scores[(b->first_row + i) * q->k + c] = (float)sum[c];
    }
    return CLAB_OK;
}

/* w += s' t, a stripe of genes; each in the order of the cells, whatever the number of threads. */
static clab_status genes_stripe(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    const product *q = arg;
    int64_t end = (task + 1) * STRIPE < q->p->g ? (task + 1) * STRIPE : q->p->g;

    (void)cx;
    (void)worker;
    for (int64_t j = task * STRIPE; j < end; j++)
        for (int64_t e = q->by_gene->start[j]; e < q->by_gene->start[j + 1]; e++) {
            struct clab__place at = q->by_gene->entry[e];
            add_row(q->k, q->b->f64[at.at], q->t + at.row * q->k, q->w + j * q->k);
        }
    return CLAB_OK;
}

static void shift_times(const clab__pca *p, int64_t k, const double *v, double *offset)
{
    memset(offset, 0, (size_t)k * sizeof *offset);
    for (int64_t j = 0; j < p->g; j++)
        add_row(k, p->shift[j], v + j * k, offset);
}

clab_status clab__pca_scores(const clab__pca *p, const clab__components *c, float *scores)
{
    product q = {.p = p, .k = c->k, .scores = scores};
    double *v = NULL, offset[CLAB__PCA_MAX];
    clab__pca_stream *r = NULL;
    clab_status s = clab_mem_alloc(p->cx, CLAB_MEM_WORK, p->g * c->k * 8, "pca", (void **)&v);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < c->k; i++)
        for (int64_t j = 0; j < p->g; j++)
            v[j * c->k + i] = c->loadings[i * p->g + j];
    shift_times(p, c->k, v, offset);
    q.v = v;
    q.offset = offset;
    s = clab__pca_open(p, "pca: coordinates", &r);
    while (s == CLAB_OK && (s = clab__pca_next(p, r, &q.b)) == CLAB_OK && q.b)
        s = clab_parallel(p->cx, (q.b->n_rows + TILE_ROWS - 1) / TILE_ROWS, rows_tile, &q);
    clab__pca_close(p, r);
    clab_mem_free(p->cx, v);
    return s;
}

/* ---- the covariance times vectors ------------------------------------------------------------------------*/

typedef struct {
    const clab__pca *p;
    int pass;
} covariance;

/* Y' Y v: t = Y v row by row, and w = s' t + shift (sum of t). */
static clab_status times(clab_ctx *cx, void *user, int64_t k, const double *v, double *w)
{
    covariance *c = user;
    const clab__pca *p = c->p;
    double offset[CLAB__PCA_MAX], sum[CLAB__PCA_MAX] = {0};
    product q = {.p = p, .k = k, .v = v, .offset = offset, .w = w};
    clab__by_gene by_gene = {0};
    int64_t room = 0;
    char phase[40];
    clab__pca_stream *r = NULL;
    clab_status s;

    snprintf(phase, sizeof phase, "pca: pass %d", ++c->pass);
    shift_times(p, k, v, offset);
    memset(w, 0, (size_t)(p->g * k) * sizeof *w);
    q.by_gene = &by_gene;
    s = clab__pca_open(p, phase, &r);
    while (s == CLAB_OK && (s = clab__pca_next(p, r, &q.b)) == CLAB_OK && q.b) {
        if (q.b->n_rows > room) {
            void *t = q.t;
            s = clab_mem_grow(cx, CLAB_MEM_WORK, q.b->n_rows * k * 8, "pca", &t);
            q.t = t;
            room = q.b->n_rows;
        }
        if (s == CLAB_OK)
            s = clab__by_gene_set(cx, &by_gene, q.b);
        if (s == CLAB_OK)
            s = clab_parallel(cx, (q.b->n_rows + TILE_ROWS - 1) / TILE_ROWS, rows_tile, &q);
        if (s == CLAB_OK)
            s = clab_parallel(cx, (p->g + STRIPE - 1) / STRIPE, genes_stripe, &q);
        if (s != CLAB_OK)
            break;
        for (int64_t i = 0; i < q.b->n_rows; i++)
            add_row(k, 1, q.t + i * k, sum);
    }
    const double divisor = (double)(p->centre ? p->n - 1 : p->n);
    for (int64_t j = 0; s == CLAB_OK && j < p->g; j++)
        for (int64_t i = 0; i < k; i++)
            w[j * k + i] = (w[j * k + i] + p->shift[j] * sum[i]) / divisor;
    clab__pca_close(p, r);
    clab__by_gene_free(cx, &by_gene);
    clab_mem_free(cx, q.t);
    return s;
}

clab_status clab__pca_lanczos(const clab__pca *p, uint64_t seed, clab__components *c)
{
    covariance user = {.p = p};

    return clab__lanczos(p->cx, &p->blas, p->g, times, &user, TOL, seed, c);
}
