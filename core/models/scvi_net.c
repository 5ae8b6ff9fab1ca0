/* scvi_net.c -- forward, backward and one step of scVI's network, as calls on a backend. */
#include "models/scvi_net.h"

#include <string.h>

/* Runs an operation of the backend and leaves the function when it fails. */
#define OP(call)                    \
    do {                            \
        clab_status op_ = n->be->ops->call; \
        if (op_ != CLAB_OK)         \
            return op_;             \
    } while (0)

/* ---- forward ------------------------------------------------------------------------------------------*/
/* Pre-activations in b->xhat -> batch norm, ReLU, dropout -> b->h. */
static clab_status block_tail(clab__net *n, clab__block *b, bool train)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H;
    float *mean = train ? b->mean : b->run_mean, *var = train ? b->var : b->run_var;

    OP(bn_forward(n->be, train, B, H, b->xhat, b->gamma.p, b->beta.p, mean, var, b->inv, b->y));
    OP(relu_dropout(n->be, B, H, b->y, train ? b->keep : NULL, (float)n->dims.dropout, b->h));
    return CLAB_OK;
}

/* x (B x in) W + bias (+ the rows of the batch codes) -> b->xhat. */
static clab_status block_linear(clab__net *n, clab__block *b, const float *x)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H;

    OP(gemm(n->be, false, false, B, H, b->in, x, b->in, b->w.p, H, 0.0f, b->xhat, H));
    OP(add_bias(n->be, B, H, b->b.p, b->xhat));
    if (b->K)
        OP(add_code_rows(n->be, n->batch, H, b->w.p + b->in * H, b->xhat));
    return CLAB_OK;
}

static clab_status to_latent(clab__net *n, const float *h, const clab_weights *w, const clab_weights *bias, float *out)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H, D = n->dims.D;

    OP(gemm(n->be, false, false, B, D, H, h, H, w->p, D, 0.0f, out, D));
    OP(add_bias(n->be, B, D, bias->p, out));
    return CLAB_OK;
}

clab_status clab__net_encode(clab__net *n, bool train)
{
    clab__block *last = &n->enc[n->dims.n_layers - 1];
    clab_status s;

    OP(sparse_forward(n->be, n->batch, n->dims.H, n->enc[0].w.p, n->enc[0].b.p, n->enc[0].xhat));
    s = block_tail(n, &n->enc[0], train);
    for (int l = 1; s == CLAB_OK && l < n->dims.n_layers; l++) {
        s = block_linear(n, &n->enc[l], n->enc[l - 1].h);
        if (s == CLAB_OK)
            s = block_tail(n, &n->enc[l], train);
    }
    if (s == CLAB_OK)
        s = to_latent(n, last->h, &n->mean_w, &n->mean_b, n->m);
    if (s == CLAB_OK)
        s = to_latent(n, last->h, &n->var_w, &n->var_b, n->av);
    return s;
}

/* ---- backward [6] -----------------------------------------------------------------------------------------*/
/* g: gradient by b->h in, by the pre-activations out. */
static clab_status block_tail_back(clab__net *n, clab__block *b, bool train, float *g)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H;

    OP(relu_dropout_back(n->be, B, H, b->y, train ? b->keep : NULL, (float)n->dims.dropout, g));
    OP(bn_backward(n->be, train, B, H, b->xhat, b->inv, b->gamma.p, g, b->ggamma, b->gbeta));
    if (!train) /* in train mode the bias in front of a batch norm has gradient 0 */
        OP(col_sums(n->be, B, H, g, b->gb));
    return CLAB_OK;
}

/* g by the pre-activations -> gradient of W, and gx (B x in) by the input. */
static clab_status block_linear_back(clab__net *n, clab__block *b, const float *x, const float *g, float *gx)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H;

    OP(gemm(n->be, true, false, b->in, H, B, x, b->in, g, H, 0.0f, b->gw, H));
    if (b->K)
        OP(code_row_sums(n->be, n->batch, H, b->K, g, b->gw + b->in * H));
    OP(gemm(n->be, false, true, B, b->in, H, g, H, b->w.p, H, 0.0f, gx, b->in));
    return CLAB_OK;
}

/* n->gm, n->gav -> gradients of the two latent layers, and g (B x H) by the last hidden layer. */
static clab_status from_latent(clab__net *n, const float *h, float *g)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H, D = n->dims.D;

    OP(gemm(n->be, true, false, H, D, B, h, H, n->gm, D, 0.0f, n->g_mean_w, D));
    OP(gemm(n->be, true, false, H, D, B, h, H, n->gav, D, 0.0f, n->g_var_w, D));
    OP(col_sums(n->be, B, D, n->gm, n->g_mean_b));
    OP(col_sums(n->be, B, D, n->gav, n->g_var_b));
    OP(gemm(n->be, false, true, B, H, D, n->gm, D, n->mean_w.p, D, 0.0f, g, H));
    OP(gemm(n->be, false, true, B, H, D, n->gav, D, n->var_w.p, D, 1.0f, g, H));
    return CLAB_OK;
}

/* From n->g1 = gradient by the decoder's last hidden layer down to n->g0 = by the input layer's output. */
static clab_status backward(clab__net *n, bool train, double klw)
{
    const int L = n->dims.n_layers;
    float *g = n->g1, *other = n->g2, *t;

    for (int l = L - 1; l >= 0; l--) {
        clab_status s = block_tail_back(n, &n->dec[l], train, g);
        if (s == CLAB_OK)
            s = block_linear_back(n, &n->dec[l], l ? n->dec[l - 1].h : n->z, g, l ? other : n->gz);
        if (s != CLAB_OK)
            return s;
        t = g;
        g = other;
        other = t;
    }
    OP(latent_back(n->be, n->batch->n_rows, n->dims.D, n->m, n->v, n->eps, n->gz,
                   (float)(klw / (double)n->batch->n_rows), n->gm, n->gav));
    g = L == 1 ? n->g0 : n->g1;
    other = n->g2;
    clab_status s = from_latent(n, n->enc[L - 1].h, g);
    for (int l = L - 1; s == CLAB_OK && l >= 0; l--) {
        s = block_tail_back(n, &n->enc[l], train, g);
        if (s == CLAB_OK && l > 0) {
            t = l == 1 ? n->g0 : other;
            s = block_linear_back(n, &n->enc[l], n->enc[l - 1].h, g, t);
            other = g;
            g = t;
        }
    }
    return s;
}

clab_status clab__net_forward(clab__net *n, bool train, bool grad, double klw)
{
    const int64_t B = n->batch->n_rows;
    const int L = n->dims.n_layers;
    clab_status s = clab__net_encode(n, train);

    if (s != CLAB_OK)
        return s;
    n->train_mode = train;
    OP(latent(n->be, B, n->dims.D, n->m, n->av, n->eps, n->v, n->z, n->kl));
    for (int l = 0; l < L; l++) {
        s = block_linear(n, &n->dec[l], l ? n->dec[l - 1].h : n->z);
        if (s == CLAB_OK)
            s = block_tail(n, &n->dec[l], train);
        if (s != CLAB_OK)
            return s;
    }
    OP(count_loss(n->be, n->work, &n->head, n->batch, n->dec[L - 1].h, grad, n->rec, n->g1));
    return grad ? backward(n, train, klw) : CLAB_OK;
}

/* ---- one step [7] ------------------------------------------------------------------------------------------*/
static clab_status track_norms(clab__net *n, clab__block *blocks)
{
    const int64_t B = n->batch->n_rows, H = n->dims.H;

    for (int l = 0; l < n->dims.n_layers; l++)
        OP(bn_track(n->be, B, H, blocks[l].mean, blocks[l].var, blocks[l].run_mean, blocks[l].run_var));
    return CLAB_OK;
}

clab_status clab__net_update(clab__net *n, const clab_adam *k)
{
    clab_status s;

    for (int i = 0; i < n->n_tensors; i++) {
        clab__tensor *t = &n->tensors[i];
        if (t->grad)
            OP(adam(n->be, t->param, t->before_norm && n->train_mode ? NULL : *t->grad, k));
    }
    OP(sparse_update(n->be, n->batch, n->dims.H, n->g0, &n->enc[0].w, k));
    OP(count_update(n->be, n->work, &n->head, n->dec[n->dims.n_layers - 1].h, k));
    if (!n->train_mode)
        return CLAB_OK;
    s = track_norms(n, n->enc);
    return s == CLAB_OK ? track_norms(n, n->dec) : s;
}
