/* backend.h -- what a device must be able to do for the models: a versioned table of operations.
 *
 * The models exist once, written against this table.  The CPU's implementation is the specification;
 * others are plug-ins found at run time (loader.c).  C11 and CUDA C++ compile this header.
 *
 * B cells of a minibatch, G genes, H hidden, D latent, K batch codes.  All matrices are row-major
 * float32 in backend memory unless said otherwise; "host" marks what is not.  Operations on one
 * backend run in the order they were called; download and sync wait for them.  Results do not depend
 * on the number of threads.
 */
#ifndef CLAB_BACKEND_H
#define CLAB_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "backend/formula.h"
#include "base/status.h"

#define CLAB_BACKEND_ABI 1

struct clab_ctx;
typedef struct clab_backend clab_backend;

/* A trained tensor: values, and Adam's two moments (NULL outside training). */
typedef struct {
    float *p, *m, *v;
    int64_t n;
} clab_weights;

/* Minibatch rows on the host: CSR, values > 0 or stored zeros (dropped by batch_load). */
typedef struct {
    int64_t n_rows, n_genes;
    const int64_t *indptr;    /* n_rows + 1 */
    const int32_t *indices;
    const float *x;
    const int32_t *code;      /* B: batch of each cell, NULL = none */
    const int64_t *cell;      /* B: global cell number, keys the random numbers */
} clab_host_rows;

/* The same in backend memory, by cell and by gene.  Filled by batch_load. */
typedef struct {
    int64_t n_rows, n_genes, nnz;
    int32_t *row_ptr, *gene;              /* by cell: B + 1, nnz */
    float *logx;                          /* log1p(x) */
    int32_t *gene_ptr, *gene_cell;        /* by gene: G + 1, nnz; cells ascending */
    float *gene_x, *gene_logx;
    float *total;                         /* B: sum of x over the genes = exp(library) */
    int32_t *code;                        /* B */
    int64_t *cell;                        /* B */
    bool has_code;
    void *own;                            /* the backend's */
} clab_batch;

/* The decoder's output layers: rate rho = softmax(h Ws' + bs), zero inflation h Wz' + bz, theta. */
typedef struct {
    int64_t n_genes, n_hidden;
    bool zinb;
    clab_weights scale_w, scale_b;  /* G x H, G */
    clab_weights drop_w, drop_b;    /* G x H, G; zinb only */
    clab_weights log_theta;         /* G */
} clab_count_head;

/* What count_loss leaves for count_update; made for at most max_rows cells. */
typedef struct clab_count_work clab_count_work;


/* Every operation: status, a recorded error where it is not CLAB_OK. */
typedef struct {
    /* ---- memory.  bytes > 0; kind as in ledger.h; upload and download are between host and backend. */
    clab_status (*alloc)(clab_backend *be, int kind, int64_t bytes, const char *what, void **out); /* zeroed */
    void (*free)(clab_backend *be, void *p);
    clab_status (*upload)(clab_backend *be, void *dst, const void *src, int64_t bytes);
    clab_status (*download)(clab_backend *be, void *dst, const void *src, int64_t bytes);
    clab_status (*zero)(clab_backend *be, void *dst, int64_t bytes);
    clab_status (*sync)(clab_backend *be);
    clab_status (*mem_info)(clab_backend *be, int64_t *free_bytes, int64_t *total_bytes); /* -1 = not known */

    /* ---- minibatches */
    clab_status (*batch_new)(clab_backend *be, clab_batch **out);
    void (*batch_free)(clab_backend *be, clab_batch *b);
    clab_status (*batch_load)(clab_backend *be, clab_batch *b, const clab_host_rows *rows);

    /* ---- dense: C (m x n) = op(A) op(B) + beta C */
    clab_status (*gemm)(clab_backend *be, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                        const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
    clab_status (*add_bias)(clab_backend *be, int64_t B, int64_t H, const float *bias, float *a);           /* a += bias */
    clab_status (*add_code_rows)(clab_backend *be, const clab_batch *b, int64_t H, const float *w, float *a); /* a[i] += w[code i]: one-hot times K x H */
    clab_status (*code_row_sums)(clab_backend *be, const clab_batch *b, int64_t H, int64_t K, const float *g, float *out); /* K x H, its transpose */
    clab_status (*col_sums)(clab_backend *be, int64_t B, int64_t H, const float *g, float *out);

    /* ---- the sparse input layer: a (B x H) = log1p(X) W + bias, W is G x H */
    clab_status (*sparse_forward)(clab_backend *be, const clab_batch *b, int64_t H, const float *w, const float *bias, float *a);
    /* dW = log1p(X)' g gene by gene, and Adam on W in the same sweep */
    clab_status (*sparse_update)(clab_backend *be, const clab_batch *b, int64_t H, const float *g, clab_weights *w, const clab_adam *k);

    /* ---- batch norm, eps 1e-3.  train: mean and var (biased) are outputs; eval: they are the running ones.
     * a becomes xhat in place; inv (H) = 1/sqrt(var + eps) */
    clab_status (*bn_forward)(clab_backend *be, bool train, int64_t B, int64_t H, float *a, const float *gamma, const float *beta, float *mean, float *var, float *inv, float *y);
    /* g (B x H) gradient by y in, by a out; dgamma, dbeta (H) */
    clab_status (*bn_backward)(clab_backend *be, bool train, int64_t B, int64_t H, const float *xhat, const float *inv, const float *gamma, float *g, float *dgamma, float *dbeta);
    /* running <- 0.99 running + 0.01 batch, variance by B/(B-1) */
    clab_status (*bn_track)(clab_backend *be, int64_t B, int64_t H, const float *mean, const float *var, float *run_mean, float *run_var);

    /* ---- ReLU and dropout: h = max(y, 0) keep/(1-p); keep (u8, B x H) NULL = no dropout */
    clab_status (*relu_dropout)(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep, float p, float *h);
    clab_status (*relu_dropout_back)(clab_backend *be, int64_t B, int64_t H, const float *y, const uint8_t *keep, float p, float *g);
    clab_status (*noise_keep)(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t H, float p, uint8_t *keep);
    clab_status (*noise_normal)(clab_backend *be, const clab_batch *b, const clab_noise_key *key, int64_t D, float *eps);

    /* ---- latent: v = exp(av) + 1e-4, z = m + sqrt(v) eps, kl[i] = sum_d KL (double, B) */
    clab_status (*latent)(clab_backend *be, int64_t B, int64_t D, const float *m, const float *av, const float *eps, float *v, float *z, double *kl);
    /* gz -> gm, gav; klw = KL weight / B */
    clab_status (*latent_back)(clab_backend *be, int64_t B, int64_t D, const float *m, const float *v, const float *eps, const float *gz, float klw, float *gm, float *gav);

    /* ---- count likelihood with softmax, library and both heads, fused over tiles of genes */
    clab_status (*count_new)(clab_backend *be, int64_t max_rows, int64_t n_genes, int64_t H, bool zinb, clab_count_work **out);
    void (*count_free)(clab_backend *be, clab_count_work *w);
    /* rec[i] (double, B) = -sum_g log p; grad: dh (B x H) = d(mean rec)/dh, and the rest is kept in w */
    clab_status (*count_loss)(clab_backend *be, clab_count_work *w, const clab_count_head *hd, const clab_batch *b, const float *h, bool grad, double *rec, float *dh);
    /* the heads' gradients and Adam on them, after count_loss with grad; not interrupted by a cancel */
    clab_status (*count_update)(clab_backend *be, clab_count_work *w, clab_count_head *hd, const float *h, const clab_adam *k);

    /* ---- optimiser and sums */
    clab_status (*adam)(clab_backend *be, clab_weights *p, const float *g /* NULL = zero */, const clab_adam *k);
    clab_status (*sum)(clab_backend *be, int64_t n, const double *x, double *out /* host */);

    void (*close)(clab_backend *be);
} clab_backend_ops;

struct clab_backend {
    const clab_backend_ops *ops;
    struct clab_ctx *cx;
    void *self;              /* the backend's */
    char name[16];           /* "cpu", "cuda" */
    char describe[112];      /* "cpu, 2 threads, OpenBLAS 0.3.21 (SkylakeX)" */
};

/* ---- plug-ins ------------------------------------------------------------------------------------------
 * celllab_NAME.so exports `clab_backend_entry`, a function that returns this table. */
typedef struct {
    void (*fail)(struct clab_ctx *cx, clab_status s, const char *text);  /* records an error */
    clab_status (*charge)(struct clab_ctx *cx, int kind, int64_t bytes, const char *what, uint64_t *charge);
    void (*release)(struct clab_ctx *cx, uint64_t charge);
    bool (*cancelled)(const struct clab_ctx *cx);
} clab_backend_host;

typedef struct {
    int abi;                                     /* CLAB_BACKEND_ABI */
    const char *name;                            /* "cuda" */
    int (*score)(char *why, size_t n);           /* 0 = cannot run here, why says so; else higher is better, why names the device */
    clab_status (*open)(struct clab_ctx *cx, const clab_backend_host *host, clab_backend **out);
} clab_backend_plugin;
typedef const clab_backend_plugin *(*clab_backend_entry_fn)(void);

/* ---- for the core ------------------------------------------------------------------------------------------*/
typedef struct {
    char name[16];
    bool usable;
    char reason[256];        /* what it is, or why it cannot be used */
} clab_device;

/* clab_devices -- what `device=` can name here, at most max of them; the CPU is first.  Returns how many. */
int clab_devices(struct clab_ctx *cx, clab_device *out, int max);

/* clab_backend_open -- "auto" (best usable one; a note says which and why), "cpu", "cuda" or "gpu".
 * EBACKEND with the reason when a device that was asked for by name cannot run.  Caller closes. */
CLAB_MUST_CHECK clab_status clab_backend_open(struct clab_ctx *cx, const char *device, clab_backend **out);
void clab_backend_close(clab_backend *be); /* NULL is fine */

/* The CPU backend itself. */
CLAB_MUST_CHECK clab_status clab_backend_cpu_open(struct clab_ctx *cx, clab_backend **out);

#ifdef __cplusplus
}
#endif
#endif
