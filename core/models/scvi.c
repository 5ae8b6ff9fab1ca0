/* scvi.c -- the model as an object: arguments, making, describing, freeing. */
#include "models/scvi_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"

const clab_param clab_scvi_params[] = {
    {"n_latent", CLAB_P_INT, "30", 1, 1000, NULL, "dimensions", "size of the latent space"},
    {"n_hidden", CLAB_P_INT, "128", 1, 4096, NULL, "units", "width of the hidden layers"},
    {"n_layers", CLAB_P_INT, "1", 1, CLAB__MAX_LAYERS, NULL, "layers", "hidden layers of encoder and decoder"},
    {"dropout", CLAB_P_NUM, "0.1", 0, 0.95, NULL, "", "dropout rate in the encoder"},
    {"likelihood", CLAB_P_ENUM, "zinb", 0, 0, "zinb|nb", "", "distribution of the counts"},
    {"batch", CLAB_P_OBS, "", 0, 0, NULL, "", "obs column whose effect is taken out (dataset, donor, ...)"},
    {"seed", CLAB_P_INT, "0", 0, 4294967295.0, NULL, "", "of every random number"},
    {"rng", CLAB_P_ENUM, "philox", 0, 0, "philox|torch", "", "torch repeats a CPU run of scvi-tools with this seed"},
    {"device", CLAB_P_ENUM, "auto", 0, 0, "auto|cpu|cuda|gpu", "", "where to compute"},
    {"allow_noncounts", CLAB_P_BOOL, "false", 0, 0, NULL, "", "accept values that are not whole numbers"},
};
const int clab_scvi_n_params = CLAB__SCVI_N_PARAMS;

const clab_param clab_scvi_train_params[] = {
    {"max_epochs", CLAB_P_INT, "", 1, 1000000, NULL, "epochs", "default: 400 up to 20,000 cells, then fewer"},
    {"batch_size", CLAB_P_INT, "128", 2, 65536, NULL, "cells", "cells a minibatch"},
    {"lr", CLAB_P_NUM, "0.001", 0, 1, NULL, "", "learning rate of Adam"},
    {"weight_decay", CLAB_P_NUM, "1e-6", 0, 1, NULL, "", "L2 penalty added to the gradient"},
    {"train_size", CLAB_P_NUM, "0.9", 0.01, 1, NULL, "", "fraction of the cells to train on; the rest validates"},
    {"early_stopping", CLAB_P_BOOL, "false", 0, 0, NULL, "", "stop when elbo_validation no longer falls"},
    {"patience", CLAB_P_INT, "10", 1, 1000000, NULL, "epochs", "epochs without a better elbo_validation"},
    {"check_val_every", CLAB_P_INT, "", 1, 1000000, NULL, "epochs", "validate every so many epochs; default: with early stopping only"},
    {"n_epochs_kl_warmup", CLAB_P_INT, "400", 0, 1000000, NULL, "epochs", "epochs in which the KL weight rises from 0 to 1; 0 = none"},
    {"mode", CLAB_P_ENUM, "auto", 0, 0, "auto|train|eval", "", "batch statistics and dropout, or neither; auto, as the peer: eval from the second training on"},
    {"device", CLAB_P_ENUM, "", 0, 0, "auto|cpu|cuda|gpu", "", "move the model there first"},
    {"on_epoch", CLAB_P_FUNC, "", 0, 0, NULL, "", "called with the epoch and the history; return false to stop"},
};
const int clab_scvi_n_train_params = CLAB__TRAIN_N_PARAMS;

/* ---- making ---------------------------------------------------------------------------------------------*/
clab_status clab__scvi_make(clab_ctx *cx, const char *device, const clab__net_dims *dims, clab_scvi **out)
{
    clab_scvi *m = calloc(1, sizeof *m);
    clab_status s;

    if (!m)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a model");
    m->cx = cx;
    snprintf(m->device, sizeof m->device, "%s", device ? device : "auto");
    s = clab_backend_open(cx, m->device, &m->be);
    if (s == CLAB_OK)
        s = clab__net_new(cx, m->be, dims, &m->net);
    if (s != CLAB_OK) {
        clab_scvi_free(cx, m, NULL);
        return s;
    }
    *out = m;
    return CLAB_OK;
}

/* The parts of a model that come from the cells, before there is a network: their sizes decide it. */
static clab_status take_cells(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, const clab_arg *a)
{
    clab_status s = clab__scvi_counts(cx, d, a[CLAB__SCVI_ALLOW].b, &m->counts);

    if (s == CLAB_OK)
        s = clab__scvi_batches(cx, m, d, a[CLAB__SCVI_BATCH].given ? a[CLAB__SCVI_BATCH].s : NULL);
    if (s != CLAB_OK)
        return s;
    m->data = clab_dataset_ref(d);
    m->genes = clab_value_ref(d->var->index);
    m->n_cells = clab_dataset_n_obs(d);
    if (m->n_cells < 2 || clab_dataset_n_vars(d) < 1)
        return clab_fail(cx, CLAB_EARG, "%s has %" PRId64 " cells and %" PRId64 " genes: too few for a model",
                         clab_show(d->name), m->n_cells, clab_dataset_n_vars(d));
    return CLAB_OK;
}

/* Moves what take_cells found into the finished model. */
static void hand_over(clab_scvi *from, clab_scvi *to)
{
    to->data = from->data;
    to->counts = from->counts;
    to->codes = from->codes;
    to->genes = from->genes;
    to->batches = from->batches;
    to->batch_column = from->batch_column;
    to->n_cells = from->n_cells;
    memset(from, 0, sizeof *from);
}

static void drop_cells(clab_ctx *cx, clab_scvi *m)
{
    clab_matrix_unref(m->counts);
    clab_mem_free(cx, m->codes);
    clab_value_unref(m->genes);
    clab_value_unref(m->batches);
    free(m->batch_column);
    if (m->data)
        clab_dataset_unref(m->data);
}

clab_status clab_scvi_new(clab_ctx *cx, const clab_dataset *d, const clab_arg *a, clab_scvi **out)
{
    clab_scvi cells = {0}, *m = NULL;
    clab__net_dims dims = {
        .H = a[CLAB__SCVI_N_HIDDEN].i,
        .D = a[CLAB__SCVI_N_LATENT].i,
        .n_layers = (int)a[CLAB__SCVI_N_LAYERS].i,
        .dropout = a[CLAB__SCVI_DROPOUT].num,
        .zinb = strcmp(a[CLAB__SCVI_LIKELIHOOD].s, "zinb") == 0,
    };
    clab_status s = take_cells(cx, &cells, d, a);

    if (s == CLAB_OK) {
        int64_t n_batches = clab_value_len(cells.batches);
        dims.G = clab_dataset_n_vars(d);
        dims.K = n_batches > 1 ? n_batches : 0; /* one level is no column [1] */
        s = clab__scvi_make(cx, a[CLAB__SCVI_DEVICE].given ? a[CLAB__SCVI_DEVICE].s : NULL, &dims, &m);
    }
    if (s != CLAB_OK) {
        drop_cells(cx, &cells);
        return s;
    }
    hand_over(&cells, m);
    m->seed = (uint64_t)a[CLAB__SCVI_SEED].i;
    m->torch = strcmp(a[CLAB__SCVI_RNG].s, "torch") == 0;
    clab_mt_seed(&m->mt, (uint32_t)m->seed);
    s = m->torch ? clab__net_init_torch(m->net, &m->mt) : clab__net_init_keyed(m->net, m->seed);
    if (s != CLAB_OK) {
        clab_scvi_free(cx, m, NULL);
        return s;
    }
    *out = m;
    return CLAB_OK;
}

void clab_scvi_free(clab_ctx *cx, clab_scvi *m, int64_t *bytes_returned)
{
    int64_t before = clab_mem_live(cx);

    if (m) {
        clab__net_free(m->net);
        clab_backend_close(m->be);
        drop_cells(cx, m);
        clab_history_free(&m->history);
        free(m);
        clab_mem_trim(cx);
    }
    if (bytes_returned)
        *bytes_returned = before - clab_mem_live(cx);
}

/* A device's own memory is charged by its plug-in; what lies here are the CPU's tensors. */
void clab_scvi_held(const clab_scvi *m, clab_held_fn *fn, void *user)
{
    bool here = strcmp(m->be->name, "cpu") == 0;

    clab_dataset_held(m->data, fn, user);
    clab_matrix_held(m->counts, fn, user);
    clab_value_held(m->genes, fn, user);
    clab_value_held(m->batches, fn, user);
    fn(user, clab_mem_holding_of(m->codes));
    for (int i = 0; here && i < m->net->n_tensors; i++) {
        const clab__tensor *t = &m->net->tensors[i];
        fn(user, clab_mem_holding_of(*t->p));
        fn(user, t->param ? clab_mem_holding_of(t->param->m) : 0);
    }
}

/* ---- moving ---------------------------------------------------------------------------------------------------*/
static clab_status copy_tensors(clab_ctx *cx, clab__net *from, clab__net *to)
{
    clab_status s = CLAB_OK;

    for (int i = 0; i < from->n_tensors && s == CLAB_OK; i++) {
        const clab__tensor *t = &from->tensors[i];
        int64_t bytes = 4 * t->dims[0] * (t->rank == 2 ? t->dims[1] : 1);
        void *x = NULL;
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes, "scvi tensor", &x);
        if (s == CLAB_OK)
            s = from->be->ops->download(from->be, x, *t->p, bytes);
        if (s == CLAB_OK)
            s = to->be->ops->upload(to->be, *to->tensors[i].p, x, bytes);
        clab_mem_free(cx, x);
    }
    return s;
}

clab_status clab__scvi_move(clab_ctx *cx, clab_scvi *m, const char *device)
{
    clab_backend *be = NULL;
    clab__net *net = NULL;
    clab_status s;

    if (strcmp(device, m->device) == 0 || strcmp(device, m->be->name) == 0)
        return CLAB_OK;
    s = clab_backend_open(cx, device, &be);
    if (s == CLAB_OK)
        s = clab__net_new(cx, be, &m->net->dims, &net);
    if (s == CLAB_OK)
        s = copy_tensors(cx, m->net, net);
    if (s != CLAB_OK) {
        clab__net_free(net);
        clab_backend_close(be);
        return s;
    }
    clab__net_free(m->net);
    clab_backend_close(m->be);
    m->net = net;
    m->be = be;
    snprintf(m->device, sizeof m->device, "%s", device);
    return CLAB_OK;
}

/* ---- minibatches ------------------------------------------------------------------------------------------------*/
clab_status clab__scvi_load(clab_scvi *m, const clab_csr *block, const int32_t *codes)
{
    const int64_t n = block->n_rows;
    clab_host_rows rows = {.n_rows = n, .n_genes = block->n_cols, .indptr = block->indptr,
                           .indices = block->indices, .x = block->f32, .cell = block->row_ids};
    int32_t *code = NULL;
    clab_status s;

    if (codes) {
        s = clab_mem_alloc(m->cx, CLAB_MEM_WORK, n * 4, "minibatch", (void **)&code);
        if (s != CLAB_OK)
            return s;
        for (int64_t i = 0; i < n; i++)
            code[i] = codes[block->row_ids[i]];
        rows.code = code;
    }
    s = m->be->ops->batch_load(m->be, m->net->batch, &rows);
    clab_mem_free(m->cx, code);
    return s;
}

/* ---- facts --------------------------------------------------------------------------------------------------------*/
const clab_history *clab_scvi_history(const clab_scvi *m)
{
    return &m->history;
}

const clab_value *clab_scvi_genes(const clab_scvi *m)
{
    return m->genes;
}

const clab_value *clab_scvi_batches(const clab_scvi *m)
{
    return m->batches;
}

int64_t clab_scvi_epochs(const clab_scvi *m)
{
    return m->epochs;
}

bool clab_scvi_trained(const clab_scvi *m)
{
    return m->steps > 0;
}

bool clab_scvi_training(const clab_scvi *m)
{
    return m->training;
}

const clab_dataset *clab_scvi_dataset(const clab_scvi *m)
{
    return m->data;
}

void clab_scvi_describe(const clab_scvi *m, char *buf, size_t n)
{
    int64_t k = clab_value_len(m->batches);
    char state[48] = "not trained";

    if (clab_scvi_trained(m))
        snprintf(state, sizeof state, "trained %" PRId64 " epoch%s", m->epochs, m->epochs == 1 ? "" : "s");
    snprintf(buf, n, "scVI %s, %s cells x %s genes, %" PRId64 " batch%s, latent %" PRId64 ", %s",
             m->net->dims.zinb ? "zinb" : "nb", clab_text_count(m->n_cells), clab_text_count(m->net->dims.G), k,
             k == 1 ? "" : "es", m->net->dims.D, state);
}
