/* scvi_tensors.c -- the parameters of scVI's network: their names, their memory, their start values. */
#include "models/scvi_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

static const char ENC[] = "z_encoder.encoder", DEC[] = "decoder.px_decoder";

/* ---- the register of tensors, in the order in which the peer draws their start values [2.3] ------------*/
static clab__tensor *enter(clab__net *n, clab_weights *param, float **grad, int64_t d0, int64_t d1, const char *fmt,
                           const char *room, int layer)
{
    clab__tensor *t = &n->tensors[n->n_tensors++];

    snprintf(t->key, sizeof t->key, fmt, room, layer);
    t->rank = d1 ? 2 : 1;
    t->dims[0] = d0;
    t->dims[1] = d1;
    t->param = param;
    t->p = &param->p;
    t->grad = grad;
    param->n = d0 * (d1 ? d1 : 1);
    return t;
}

static void enter_buffer(clab__net *n, float **p, int64_t d0, const char *fmt, const char *room, int layer)
{
    clab__tensor *t = &n->tensors[n->n_tensors++];

    snprintf(t->key, sizeof t->key, fmt, room, layer);
    t->rank = 1;
    t->dims[0] = d0;
    t->p = p;
}

static void enter_blocks(clab__net *n, clab__block *blocks, const char *room, int64_t first_in, int64_t K)
{
    for (int l = 0; l < n->dims.n_layers; l++) {
        clab__block *b = &blocks[l];
        const int64_t H = n->dims.H;
        bool sparse = blocks == n->enc && l == 0;
        b->in = l ? H : first_in;
        b->K = K;
        enter(n, &b->w, sparse ? NULL : &b->gw, H, b->in + K, "%s.fc_layers.Layer %d.0.weight", room, l)->transposed = true;
        enter(n, &b->b, &b->gb, H, 0, "%s.fc_layers.Layer %d.0.bias", room, l)->before_norm = true;
        enter(n, &b->gamma, &b->ggamma, H, 0, "%s.fc_layers.Layer %d.1.weight", room, l);
        enter(n, &b->beta, &b->gbeta, H, 0, "%s.fc_layers.Layer %d.1.bias", room, l);
        enter_buffer(n, &b->run_mean, H, "%s.fc_layers.Layer %d.1.running_mean", room, l);
        enter_buffer(n, &b->run_var, H, "%s.fc_layers.Layer %d.1.running_var", room, l);
    }
}

static void enter_all(clab__net *n)
{
    const int64_t G = n->dims.G, H = n->dims.H, D = n->dims.D;

    enter(n, &n->head.log_theta, NULL, G, 0, "%s", "px_r", 0);
    enter_blocks(n, n->enc, ENC, G, 0);
    enter(n, &n->mean_w, &n->g_mean_w, D, H, "%s", "z_encoder.mean_encoder.weight", 0)->transposed = true;
    enter(n, &n->mean_b, &n->g_mean_b, D, 0, "%s", "z_encoder.mean_encoder.bias", 0);
    enter(n, &n->var_w, &n->g_var_w, D, H, "%s", "z_encoder.var_encoder.weight", 0)->transposed = true;
    enter(n, &n->var_b, &n->g_var_b, D, 0, "%s", "z_encoder.var_encoder.bias", 0);
    enter_blocks(n, n->dec, DEC, D, n->dims.K);
    enter(n, &n->head.scale_w, NULL, G, H, "%s", "decoder.px_scale_decoder.0.weight", 0);
    enter(n, &n->head.scale_b, NULL, G, 0, "%s", "decoder.px_scale_decoder.0.bias", 0);
    if (n->dims.zinb) {
        enter(n, &n->head.drop_w, NULL, G, H, "%s", "decoder.px_dropout_decoder.weight", 0);
        enter(n, &n->head.drop_b, NULL, G, 0, "%s", "decoder.px_dropout_decoder.bias", 0);
    }
}

static int64_t elements(const clab__tensor *t)
{
    return t->dims[0] * (t->rank == 2 ? t->dims[1] : 1);
}

/* ---- memory ------------------------------------------------------------------------------------------------*/
static clab_status take(clab__net *n, clab_mem_kind kind, int64_t count, size_t size, const char *what, void **out)
{
    int64_t bytes = 0;
    clab_status s = clab_mem_size(n->cx, count, size, &bytes);

    return s == CLAB_OK ? n->be->ops->alloc(n->be, (int)kind, bytes, what, out) : s;
}

static void give(clab__net *n, void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof p);
    if (p)
        n->be->ops->free(n->be, p);
    p = NULL;
    memcpy(pp, &p, sizeof p);
}

static clab_status fill(clab__net *n, float *dst, int64_t count, float value)
{
    clab_status s;
    float *host = malloc((size_t)count * sizeof *host);

    if (!host)
        return clab_fail(n->cx, CLAB_ENOMEM, "no memory for a layer of %lld", (long long)count);
    for (int64_t i = 0; i < count; i++)
        host[i] = value;
    s = n->be->ops->upload(n->be, dst, host, count * 4);
    free(host);
    return s;
}

static clab_status start_norms(clab__net *n, clab__block *blocks)
{
    clab_status s = CLAB_OK;

    for (int l = 0; l < n->dims.n_layers && s == CLAB_OK; l++) {
        s = fill(n, blocks[l].gamma.p, n->dims.H, 1.0f);
        if (s == CLAB_OK)
            s = fill(n, blocks[l].run_var, n->dims.H, 1.0f);
    }
    return s;
}

clab_status clab__net_new(clab_ctx *cx, clab_backend *be, const clab__net_dims *dims, clab__net **out)
{
    clab__net *n = calloc(1, sizeof *n);
    clab_status s = CLAB_OK;

    if (!n)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a model");
    n->cx = cx;
    n->be = be;
    n->dims = *dims;
    n->head.n_genes = dims->G;
    n->head.n_hidden = dims->H;
    n->head.zinb = dims->zinb;
    enter_all(n);
    for (int i = 0; i < n->n_tensors && s == CLAB_OK; i++)
        s = take(n, CLAB_MEM_MODEL, elements(&n->tensors[i]), 4, "scvi model", (void **)n->tensors[i].p);
    if (s == CLAB_OK)
        s = start_norms(n, n->enc);
    if (s == CLAB_OK)
        s = start_norms(n, n->dec);
    if (s != CLAB_OK) {
        clab__net_free(n);
        return s;
    }
    *out = n;
    return CLAB_OK;
}

clab_status clab__net_moments(clab__net *n)
{
    for (int i = 0; i < n->n_tensors; i++) {
        clab__tensor *t = &n->tensors[i];
        clab_status s = CLAB_OK;
        if (!t->param)
            continue;
        if (!t->param->m)
            s = take(n, CLAB_MEM_MODEL, t->param->n, 4, "scvi optimiser", (void **)&t->param->m);
        else
            s = n->be->ops->zero(n->be, t->param->m, t->param->n * 4);
        if (s == CLAB_OK && !t->param->v)
            s = take(n, CLAB_MEM_MODEL, t->param->n, 4, "scvi optimiser", (void **)&t->param->v);
        else if (s == CLAB_OK)
            s = n->be->ops->zero(n->be, t->param->v, t->param->n * 4);
        if (s == CLAB_OK && t->grad && !*t->grad)
            s = take(n, CLAB_MEM_WORK, t->param->n, 4, "scvi gradients", (void **)t->grad);
        if (s != CLAB_OK)
            return s;
    }
    return CLAB_OK;
}

static clab_status block_room(clab__net *n, clab__block *b, int64_t rows, bool dropout)
{
    const int64_t H = n->dims.H;
    float **wide[] = {&b->xhat, &b->y, &b->h}, **thin[] = {&b->mean, &b->var, &b->inv};
    clab_status s = CLAB_OK;

    for (int i = 0; i < 3 && s == CLAB_OK; i++) {
        s = take(n, CLAB_MEM_WORK, rows * H, 4, "scvi minibatch", (void **)wide[i]);
        if (s == CLAB_OK)
            s = take(n, CLAB_MEM_WORK, H, 4, "scvi minibatch", (void **)thin[i]);
    }
    if (s == CLAB_OK && dropout)
        s = take(n, CLAB_MEM_WORK, rows * H, 1, "scvi minibatch", (void **)&b->keep);
    return s;
}

static void block_leave(clab__net *n, clab__block *b)
{
    float **all[] = {&b->xhat, &b->y, &b->h, &b->mean, &b->var, &b->inv};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        give(n, all[i]);
    give(n, &b->keep);
}

static void room_leave(clab__net *n)
{
    float **all[] = {&n->eps, &n->m, &n->av, &n->v, &n->z, &n->gz, &n->gm, &n->gav, &n->g1, &n->g2, &n->g0};

    for (int l = 0; l < n->dims.n_layers; l++) {
        block_leave(n, &n->enc[l]);
        block_leave(n, &n->dec[l]);
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        give(n, all[i]);
    give(n, &n->kl);
    give(n, &n->rec);
    n->be->ops->count_free(n->be, n->work);
    n->be->ops->batch_free(n->be, n->batch);
    n->work = NULL;
    n->batch = NULL;
    n->max_rows = 0;
}

clab_status clab__net_room(clab__net *n, int64_t rows, bool decoder)
{
    const int64_t H = n->dims.H, D = n->dims.D, W = H > D ? H : D;
    float **latent[] = {&n->eps, &n->m, &n->av, &n->v, &n->z, &n->gz, &n->gm, &n->gav};
    float **hidden[] = {&n->g1, &n->g2, &n->g0};
    clab_status s = CLAB_OK;

    if (rows <= n->max_rows && (n->work || !decoder))
        return CLAB_OK;
    room_leave(n);
    for (int l = 0; l < n->dims.n_layers && s == CLAB_OK; l++) {
        s = block_room(n, &n->enc[l], rows, n->dims.dropout > 0);
        if (s == CLAB_OK && decoder)
            s = block_room(n, &n->dec[l], rows, false);
    }
    for (size_t i = 0; i < sizeof latent / sizeof latent[0] && s == CLAB_OK; i++)
        s = take(n, CLAB_MEM_WORK, rows * D, 4, "scvi minibatch", (void **)latent[i]);
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0] && s == CLAB_OK; i++)
        s = take(n, CLAB_MEM_WORK, rows * W, 4, "scvi minibatch", (void **)hidden[i]);
    if (s == CLAB_OK)
        s = take(n, CLAB_MEM_WORK, rows, 8, "scvi minibatch", (void **)&n->kl);
    if (s == CLAB_OK)
        s = take(n, CLAB_MEM_WORK, rows, 8, "scvi minibatch", (void **)&n->rec);
    if (s == CLAB_OK && decoder)
        s = n->be->ops->count_new(n->be, rows, n->dims.G, H, n->dims.zinb, &n->work);
    if (s == CLAB_OK)
        s = n->be->ops->batch_new(n->be, &n->batch);
    if (s == CLAB_OK)
        n->max_rows = rows;
    else
        room_leave(n);
    return s;
}

void clab__net_rest(clab__net *n)
{
    room_leave(n);
    for (int i = 0; i < n->n_tensors; i++) {
        clab__tensor *t = &n->tensors[i];
        if (t->param) {
            give(n, &t->param->m);
            give(n, &t->param->v);
        }
        if (t->grad)
            give(n, t->grad);
    }
}

void clab__net_free(clab__net *n)
{
    if (!n)
        return;
    clab__net_rest(n);
    for (int i = 0; i < n->n_tensors; i++)
        give(n, n->tensors[i].p);
    free(n);
}
