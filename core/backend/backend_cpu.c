/* backend_cpu.c -- the CPU backend: the specification of every operation of backend.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu_impl.h"

static clab_status cpu_alloc(clab_backend *be, int kind, int64_t bytes, const char *what, void **out)
{
    return clab_mem_zalloc(clab__ctx_of(be), (clab_mem_kind)kind, bytes, what, out);
}

static void cpu_free(clab_backend *be, void *p)
{
    clab_mem_free(clab__ctx_of(be), p);
}

static clab_status cpu_copy(clab_backend *be, void *dst, const void *src, int64_t bytes)
{
    (void)be;
    memcpy(dst, src, (size_t)bytes);
    return CLAB_OK;
}

static clab_status cpu_zero(clab_backend *be, void *dst, int64_t bytes)
{
    (void)be;
    memset(dst, 0, (size_t)bytes);
    return CLAB_OK;
}

static clab_status cpu_sync(clab_backend *be)
{
    (void)be;
    return CLAB_OK;
}

static clab_status cpu_mem_info(clab_backend *be, int64_t *free_bytes, int64_t *total_bytes)
{
    long page = sysconf(_SC_PAGESIZE);

    (void)be;
    *free_bytes = (int64_t)page * sysconf(_SC_AVPHYS_PAGES);
    *total_bytes = (int64_t)page * sysconf(_SC_PHYS_PAGES);
    return CLAB_OK;
}

static clab_status cpu_gemm(clab_backend *be, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                            int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
    clab_blas_sgemm(&clab__cpu_of(be)->blas, ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
    return CLAB_OK;
}

static clab_status cpu_adam(clab_backend *be, clab_weights *p, const float *g, const clab_adam *k)
{
    if (g)
        clab__cpu_of(be)->rows->adam(p->n, k, g, p->p, p->m, p->v);
    else
        for (int64_t j = 0; j < p->n; j++)
            clab_adam_one(k, 0.0f, &p->p[j], &p->m[j], &p->v[j]);
    return CLAB_OK;
}

static clab_status cpu_sum(clab_backend *be, int64_t n, const double *x, double *out)
{
    double s = 0;

    (void)be;
    for (int64_t i = 0; i < n; i++)
        s += x[i];
    *out = s;
    return CLAB_OK;
}

static void cpu_close(clab_backend *be)
{
    free(be->self); /* the BLAS stays loaded: its threads and buffers may not go away under us */
    free(be);
}

static const clab_backend_ops CPU = {
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_copy,
    .download = cpu_copy,
    .zero = cpu_zero,
    .sync = cpu_sync,
    .mem_info = cpu_mem_info,
    .batch_new = clab__cpu_batch_new,
    .batch_free = clab__cpu_batch_free,
    .batch_load = clab__cpu_batch_load,
    .gemm = cpu_gemm,
    .add_bias = clab__cpu_add_bias,
    .add_code_rows = clab__cpu_add_code_rows,
    .code_row_sums = clab__cpu_code_row_sums,
    .col_sums = clab__cpu_col_sums,
    .sparse_forward = clab__cpu_sparse_forward,
    .sparse_update = clab__cpu_sparse_update,
    .bn_forward = clab__cpu_bn_forward,
    .bn_backward = clab__cpu_bn_backward,
    .bn_track = clab__cpu_bn_track,
    .relu_dropout = clab__cpu_relu_dropout,
    .relu_dropout_back = clab__cpu_relu_dropout_back,
    .noise_keep = clab__cpu_noise_keep,
    .noise_normal = clab__cpu_noise_normal,
    .latent = clab__cpu_latent,
    .latent_back = clab__cpu_latent_back,
    .count_new = clab__cpu_count_new,
    .count_free = clab__cpu_count_free,
    .count_loss = clab__cpu_count_loss,
    .count_update = clab__cpu_count_update,
    .adam = cpu_adam,
    .sum = cpu_sum,
    .close = cpu_close,
};

/* The widest row kernels that this processor runs; $CELLLAB_SIMD=baseline|avx2 asks for narrower ones. */
static const clab__rows *choose_rows(void)
{
    const char *want = getenv("CELLLAB_SIMD");
    const clab__rows *r = NULL;

    if (want && strcmp(want, "baseline") == 0)
        return clab__rows_base();
    if (!want || strcmp(want, "avx2") != 0)
        r = clab__rows_avx512();
    if (!r)
        r = clab__rows_avx2();
    return r ? r : clab__rows_base();
}

clab_status clab_backend_cpu_open(clab_ctx *cx, clab_backend **out)
{
    clab_backend *be = calloc(1, sizeof *be);
    clab__cpu *cpu = calloc(1, sizeof *cpu);

    if (!be || !cpu) {
        free(be);
        free(cpu);
        return clab_fail(cx, CLAB_ENOMEM, "no memory for the CPU backend");
    }
    cpu->threads = clab_threads(cx);
    cpu->rows = choose_rows();
    clab_blas_open(cx, &cpu->blas);
    be->ops = &CPU;
    be->cx = cx;
    be->self = cpu;
    snprintf(be->name, sizeof be->name, "cpu");
    snprintf(be->describe, sizeof be->describe, "cpu, %d thread%s, %.60s, %s", cpu->threads,
             cpu->threads == 1 ? "" : "s", cpu->blas.describe, cpu->rows->name);
    *out = be;
    return CLAB_OK;
}

typedef struct {
    clab_task_fn *fn;
    void *arg;
    uint8_t *done;
} marked;

static clab_status run_marked(clab_ctx *cx, int64_t task, int worker, void *arg)
{
    marked *m = arg;
    clab_status s = m->fn(cx, task, worker, m->arg);

    m->done[task] = s == CLAB_OK;
    return s;
}

clab_status clab__run_all(clab_ctx *cx, int64_t n, clab_task_fn *fn, void *arg, uint8_t *done)
{
    marked m = {fn, arg, done};
    clab_status s;

    memset(done, 0, (size_t)n);
    s = clab_parallel(cx, n, run_marked, &m);
    if (s != CLAB_ECANCEL)
        return s;
    for (int64_t t = 0; t < n; t++)
        if (!done[t] && fn(cx, t, 0, arg) != CLAB_OK)
            return clab_error_status(cx);
    return CLAB_OK; /* the caller's next poll sees the cancel */
}
