/* scvi_net.h -- the network of scVI over a backend: parameters, forward, backward, one Adam step.
 * Knows nothing of datasets, epochs and files.  Private to core/models (and its tests).
 * B cells of the minibatch, G genes, H hidden, D latent, K batch columns (0 when there is one batch).
 * Formulas: docs/scvi.md, section numbers in brackets. */
#ifndef CLAB_SCVI_NET_H
#define CLAB_SCVI_NET_H

#include "backend/backend.h"
#include "base/ctx.h"
#include "base/rng.h"

enum { CLAB__MAX_LAYERS = 8 };

typedef struct {
    int64_t G, H, D, K;
    int n_layers;
    double dropout;
    bool zinb;
} clab__net_dims;

/* A hidden block [2.1]: Linear (in + K inputs, weights stored input-major) -> batch norm -> ReLU -> dropout. */
typedef struct {
    int64_t in, K;
    clab_weights w, b, gamma, beta;         /* (in + K) x H, H, H, H */
    float *gw, *ggamma, *gbeta, *gb;      /* gradients; gw NULL where it is fused with Adam */
    float *run_mean, *run_var;            /* H */
    float *xhat, *y, *h;                  /* B x H */
    float *mean, *var, *inv;              /* H: of this minibatch (eval: copies of the running ones) */
    uint8_t *keep;                        /* B x H: dropout mask of this minibatch; NULL = none */
} clab__block;

/* A tensor as the peer names and shapes it. */
typedef struct {
    char key[72];
    int rank;
    int64_t dims[2];     /* the peer's shape */
    bool transposed;     /* stored as dims[1] x dims[0] */
    clab_weights *param;   /* NULL: a buffer, at *p */
    float **p;
    float **grad;        /* where its gradient is; NULL: updated by a fused operation, or a buffer */
    bool before_norm;    /* bias in front of a batch norm: its gradient is 0 in train mode */
} clab__tensor;

typedef struct {
    clab_ctx *cx;
    clab_backend *be;
    clab__net_dims dims;
    clab__block enc[CLAB__MAX_LAYERS], dec[CLAB__MAX_LAYERS];
    clab_weights mean_w, mean_b, var_w, var_b; /* H x D, D */
    float *g_mean_w, *g_mean_b, *g_var_w, *g_var_b;
    clab_count_head head;
    clab__tensor tensors[16 + 12 * CLAB__MAX_LAYERS];
    int n_tensors;
    /* room for max_rows cells */
    int64_t max_rows;
    clab_batch *batch;
    clab_count_work *work;
    float *eps, *m, *av, *v, *z;             /* B x D */
    double *kl, *rec;                        /* B */
    float *g1, *g2, *g0;                     /* B x max(H, D): gradients on their way; g0: by the input layer */
    float *gz, *gm, *gav;                    /* B x D */
    bool train_mode;                         /* of the last forward pass */
} clab__net;

/* clab__net_new -- parameters zero, batch norms at their start values.  be is borrowed and outlives net. */
CLAB_MUST_CHECK clab_status clab__net_new(clab_ctx *cx, clab_backend *be, const clab__net_dims *dims, clab__net **out);
void clab__net_free(clab__net *n); /* NULL is fine */

/* Room for minibatches of max_rows cells, with or without the decoder's; clab__net_rest gives it back,
 * with Adam's moments. */
CLAB_MUST_CHECK clab_status clab__net_room(clab__net *n, int64_t max_rows, bool decoder);
/* Adam's moments, zero [7]; allocates the gradients too. */
CLAB_MUST_CHECK clab_status clab__net_moments(clab__net *n);
void clab__net_rest(clab__net *n);

/* Tensors by the peer's key, in the peer's layout, on the host.  ENOTFOUND. */
const clab__tensor *clab__net_find(const clab__net *n, const char *key);
CLAB_MUST_CHECK clab_status clab__net_get(clab__net *n, const clab__tensor *t, float *host);
CLAB_MUST_CHECK clab_status clab__net_set(clab__net *n, const clab__tensor *t, const float *host);

/* Start values [2.3]: from torch's generator in the peer's order, or keyed by seed. */
CLAB_MUST_CHECK clab_status clab__net_init_torch(clab__net *n, clab_mt *g);
CLAB_MUST_CHECK clab_status clab__net_init_keyed(clab__net *n, uint64_t seed);

/* ---- passes over the cells of n->batch (batch_load'ed by the caller) --------------------------------------
 * Noise is read from n->eps and, in train mode with dropout, from the keep masks of the encoder blocks:
 * the caller fills them (keyed, torch's, or a test's). */

/* clab__net_encode -- posterior mean n->m and n->av. */
CLAB_MUST_CHECK clab_status clab__net_encode(clab__net *n, bool train);
/* clab__net_forward -- reconstruction loss n->rec and KL n->kl of each cell.
 *   train  batch statistics and dropout, or the running statistics and none
 *   grad   also the gradient of mean(rec) + klw mean(kl), kept for clab__net_update
 * Changes no parameter; ECANCEL leaves everything as it was. */
CLAB_MUST_CHECK clab_status clab__net_forward(clab__net *n, bool train, bool grad, double klw);
/* clab__net_update -- one Adam step from the gradients of the last forward pass; not interrupted. */
CLAB_MUST_CHECK clab_status clab__net_update(clab__net *n, const clab_adam *k);

#endif
