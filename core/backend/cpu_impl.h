/* cpu_impl.h -- shared inside the CPU backend: its state, its loops, its row kernels. */
#ifndef CLAB_CPU_IMPL_H
#define CLAB_CPU_IMPL_H

#include "backend/backend.h"
#include "backend/blas.h"
#include "base/pool.h"
#include "ledger/ledger.h"

/* Per-gene constants of a tile: theta, 1/(theta + eps). */
typedef struct {
    const float *th, *ith;
} clab__thetas;

/* Kernels over one contiguous row, compiled once per instruction set from cpu_rows.h.  Sums have a
 * fixed lane structure, so that they do not depend on the instruction set's width. */
typedef struct {
    const char *name;
    /* s += bias; *max = max s; s = exp(s - max); returns the sum */
    float (*soft_row)(int64_t n, const float *bias, float *s, float *max);
    /* entries with x = 0: mu = e c; u = scale dlogp/dlnmu, dr = scale dlogp/dlntheta, lp = log p.
     * zinb: z holds the logits without zbias and becomes scale dlogp/dz */
    void (*nb_zero)(int64_t n, const float *e, float c, clab__thetas t, float scale, float *u, float *lp, float *dr);
    void (*zinb_zero)(int64_t n, const float *e, float c, clab__thetas t, float scale, const float *zbias, float *z, float *u, float *lp, float *dr);
    /* entries with x > 0, everything per entry; ze and dz only for zinb (else NULL).  In: lg in lp, psi in dr */
    void (*nb_some)(int64_t n, const float *x, const float *mu, clab__thetas t, float scale, float *u, float *lp, float *dr);
    void (*zinb_some)(int64_t n, const float *x, const float *mu, clab__thetas t, float scale, float *z, float *u, float *lp, float *dr);
    float (*sum)(int64_t n, const float *x);
    void (*axpy)(int64_t n, float a, const float *x, float *y);   /* y += a x */
    void (*adam)(int64_t n, const clab_adam *k, const float *g, float *p, float *m, float *v);
} clab__rows;

const clab__rows *clab__rows_base(void);
const clab__rows *clab__rows_avx2(void);    /* NULL where it was not compiled */
const clab__rows *clab__rows_avx512(void);

typedef struct {
    clab_blas blas;
    const clab__rows *rows;
    int threads;
} clab__cpu;

static inline clab__cpu *clab__cpu_of(clab_backend *be)
{
    return (clab__cpu *)be->self;
}

static inline clab_ctx *clab__ctx_of(clab_backend *be)
{
    return (clab_ctx *)be->cx;
}

/* clab__run_all -- as clab_parallel, but a cancel does not stop it half-way: the rest is done on the
 * calling thread, so that parameters never end between two steps.  done: n bytes of scratch, zeroed here. */
CLAB_MUST_CHECK clab_status clab__run_all(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg, uint8_t *done);

/* The operations, by file. */
clab_status clab__cpu_batch_new(clab_backend *be, clab_batch **out);
void clab__cpu_batch_free(clab_backend *be, clab_batch *b);
clab_status clab__cpu_batch_load(clab_backend *be, clab_batch *b, const clab_host_rows *rows);
clab_status clab__cpu_sparse_forward(clab_backend *be, const clab_batch *b, int64_t H, const float *w, const float *bias, float *a);
clab_status clab__cpu_sparse_update(clab_backend *be, const clab_batch *b, int64_t H, const float *g, clab_weights *w, const clab_adam *k);

clab_status clab__cpu_add_bias(clab_backend *be, int64_t B, int64_t H, const float *bias, float *a);
clab_status clab__cpu_add_code_rows(clab_backend *be, const clab_batch *b, int64_t H, const float *w, float *a);
clab_status clab__cpu_code_row_sums(clab_backend *be, const clab_batch *b, int64_t H, int64_t K, const float *g, float *out);
clab_status clab__cpu_col_sums(clab_backend *be, int64_t B, int64_t H, const float *g, float *out);
clab_status clab__cpu_bn_forward(clab_backend *be, bool train, int64_t B, int64_t H, float *a, const float *gamma, const float *beta, float *mean, float *var, float *inv, float *y);
clab_status clab__cpu_bn_backward(clab_backend *be, bool train, int64_t B, int64_t H, const float *xhat, const float *inv, const float *gamma, float *g, float *dgamma, float *dbeta);
clab_status clab__cpu_bn_track(clab_backend *be, int64_t B, int64_t H, const float *mean, const float *var, float *run_mean, float *run_var);
clab_status clab__cpu_relu_dropout(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep, float p, float *h);
clab_status clab__cpu_relu_dropout_back(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep, float p, float *g);
clab_status clab__cpu_noise_keep(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t H, float p, uint8_t *keep);
clab_status clab__cpu_noise_normal(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t D, float *eps);
clab_status clab__cpu_latent(clab_backend *be, int64_t B, int64_t D, const float *m, const float *av, const float *eps, float *v, float *z, double *kl);
clab_status clab__cpu_latent_back(clab_backend *be, int64_t B, int64_t D, const float *m, const float *v, const float *eps, const float *gz, float klw, float *gm, float *gav);

clab_status clab__cpu_count_new(clab_backend *be, int64_t max_rows, int64_t n_genes, int64_t H, bool zinb, clab_count_work **out);
void clab__cpu_count_free(clab_backend *be, clab_count_work *w);
clab_status clab__cpu_count_loss(clab_backend *be, clab_count_work *w, const clab_count_head *hd, const clab_batch *b, const float *h, bool grad, double *rec, float *dh);
clab_status clab__cpu_count_update(clab_backend *be, clab_count_work *w, clab_count_head *hd, const float *h, const clab_adam *k);

#endif
