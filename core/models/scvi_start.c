/* scvi_start.c -- tensors in and out of the network under the peer's names, and their start values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "models/scvi_net.h"

static int64_t elements(const clab__tensor *t)
{
    return t->dims[0] * (t->rank == 2 ? t->dims[1] : 1);
}

const clab__tensor *clab__net_find(const clab__net *n, const char *key)
{
    for (int i = 0; i < n->n_tensors; i++)
        if (strcmp(n->tensors[i].key, key) == 0)
            return &n->tensors[i];
    return NULL;
}

static void transpose(const float *in, int64_t rows, int64_t cols, float *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out[j * rows + i] = in[i * cols + j];
}

static clab_status scratch(clab__net *n, int64_t count, float **out)
{
    int64_t bytes = 0;
    clab_status s = clab_mem_size(n->cx, count, sizeof(float), &bytes);

    return s == CLAB_OK ? clab_mem_alloc(n->cx, CLAB_MEM_WORK, bytes, "scvi tensor", (void **)out) : s;
}

clab_status clab__net_get(clab__net *n, const clab__tensor *t, float *host)
{
    float *tmp = NULL;
    clab_status s;

    if (!t->transposed)
        return n->be->ops->download(n->be, host, *t->p, elements(t) * 4);
    s = scratch(n, elements(t), &tmp);
    if (s == CLAB_OK)
        s = n->be->ops->download(n->be, tmp, *t->p, elements(t) * 4);
    if (s == CLAB_OK)
        transpose(tmp, t->dims[1], t->dims[0], host);
    clab_mem_free(n->cx, tmp);
    return s;
}

clab_status clab__net_set(clab__net *n, const clab__tensor *t, const float *host)
{
    float *tmp = NULL;
    clab_status s;

    if (!t->transposed)
        return n->be->ops->upload(n->be, *t->p, host, elements(t) * 4);
    s = scratch(n, elements(t), &tmp);
    if (s == CLAB_OK) {
        transpose(host, t->dims[0], t->dims[1], tmp);
        s = n->be->ops->upload(n->be, *t->p, tmp, elements(t) * 4);
    }
    clab_mem_free(n->cx, tmp);
    return s;
}

/* ---- torch's generator [9] -------------------------------------------------------------------------------*/
/* Weight (out x in) and bias of a Linear: U(-b, b), b = 1/sqrt(in).  A NULL tensor is drawn and dropped:
 * the peer makes layers that this model never uses. */
static clab_status draw_linear(clab__net *n, clab_mt *g, const char *weight, const char *bias, int64_t out, int64_t in)
{
    const clab__tensor *w = clab__net_find(n, weight), *b = clab__net_find(n, bias);
    const double bound = 1.0 / sqrt((double)in);
    float *x = NULL;
    clab_status s = scratch(n, out * in, &x);

    if (s != CLAB_OK)
        return s;
    for (int64_t i = 0; i < out * in; i++)
        x[i] = clab_mt_torch_uniform(g, (float)-bound, (float)bound);
    if (w)
        s = clab__net_set(n, w, x);
    for (int64_t i = 0; i < out; i++)
        x[i] = clab_mt_torch_uniform(g, (float)-bound, (float)bound);
    if (b && s == CLAB_OK)
        s = clab__net_set(n, b, x);
    clab_mem_free(n->cx, x);
    return s;
}

static clab_status draw_blocks(clab__net *n, clab_mt *g, const clab__block *blocks, const char *room)
{
    clab_status s = CLAB_OK;

    for (int l = 0; l < n->dims.n_layers && s == CLAB_OK; l++) {
        char weight[96], bias[96];
        snprintf(weight, sizeof weight, "%s.fc_layers.Layer %d.0.weight", room, l);
        snprintf(bias, sizeof bias, "%s.fc_layers.Layer %d.0.bias", room, l);
        s = draw_linear(n, g, weight, bias, n->dims.H, blocks[l].in + blocks[l].K);
    }
    return s;
}

/* A layer of which the peer's model has no use here either; its draws are made and dropped. */
static clab_status drop_linear(clab__net *n, clab_mt *g, int64_t out, int64_t in)
{
    return draw_linear(n, g, "", "", out, in);
}

clab_status clab__net_init_torch(clab__net *n, clab_mt *g)
{
    const int64_t G = n->dims.G, H = n->dims.H, D = n->dims.D;
    float *r = NULL;
    clab_status s = scratch(n, G, &r);

    if (s == CLAB_OK) {
        clab_mt_torch_randn(g, r, G);
        s = clab__net_set(n, clab__net_find(n, "px_r"), r);
    }
    clab_mem_free(n->cx, r);
    if (s == CLAB_OK)
        s = draw_blocks(n, g, n->enc, "z_encoder.encoder");
    if (s == CLAB_OK)
        s = draw_linear(n, g, "z_encoder.mean_encoder.weight", "z_encoder.mean_encoder.bias", D, H);
    if (s == CLAB_OK)
        s = draw_linear(n, g, "z_encoder.var_encoder.weight", "z_encoder.var_encoder.bias", D, H);
    if (s == CLAB_OK)
        s = drop_linear(n, g, H, G); /* l_encoder: always one hidden layer */
    if (s == CLAB_OK)
        s = drop_linear(n, g, 1, H);
    if (s == CLAB_OK)
        s = drop_linear(n, g, 1, H);
    if (s == CLAB_OK)
        s = draw_blocks(n, g, n->dec, "decoder.px_decoder");
    if (s == CLAB_OK)
        s = draw_linear(n, g, "decoder.px_scale_decoder.0.weight", "decoder.px_scale_decoder.0.bias", G, H);
    if (s == CLAB_OK)
        s = drop_linear(n, g, G, H); /* px_r_decoder */
    if (s == CLAB_OK)
        s = draw_linear(n, g, "decoder.px_dropout_decoder.weight", "decoder.px_dropout_decoder.bias", G, H);
    return s;
}

/* ---- keyed by the seed ---------------------------------------------------------------------------------------*/
enum { START_STREAM = 1000 }; /* above the streams of dropout and noise */

/* Uniform in +-bound, or normal where bound is 0. */
static void keyed_fill(uint64_t seed, int which, int64_t count, double bound, float *x)
{
    const clab_noise_key key = {seed, (uint32_t)(START_STREAM + which), 0};
    uint32_t w[4];

    for (int64_t i = 0; i < count; i++) {
        if ((i & 3) == 0)
            clab_noise4(&key, (uint64_t)(i >> 2), 0, w);
        if (bound > 0) {
            x[i] = (float)(bound * (2.0 * (double)clab_noise_uniform(w[i & 3]) - 1.0));
        } else {
            float a, b;
            clab_noise_normal2(w[i & 2], w[(i & 2) + 1], &a, &b);
            x[i] = i & 1 ? b : a;
        }
    }
}

clab_status clab__net_init_keyed(clab__net *n, uint64_t seed)
{
    double bound = 0; /* of the last weight; its bias follows */

    for (int i = 0; i < n->n_tensors; i++) {
        const clab__tensor *t = &n->tensors[i];
        float *x = NULL;
        clab_status s;
        if (!t->param || strstr(t->key, ".1.weight") || strstr(t->key, ".1.bias")) /* batch norms have theirs */
            continue;
        if (t->rank == 2)
            bound = 1.0 / sqrt((double)t->dims[1]);
        s = scratch(n, elements(t), &x);
        if (s == CLAB_OK) {
            keyed_fill(seed, i, elements(t), strcmp(t->key, "px_r") == 0 ? 0 : bound, x);
            s = clab__net_set(n, t, x);
        }
        clab_mem_free(n->cx, x);
        if (s != CLAB_OK)
            return s;
    }
    return CLAB_OK;
}
