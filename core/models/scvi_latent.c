/* scvi_latent.c -- posterior means of cells [10]. */
#include <inttypes.h>
#include <string.h>

#include "ledger/ledger.h"
#include "models/scvi_impl.h"

enum { BLOCK_ROWS = 128 };

static clab_status fill(clab_ctx *cx, clab_scvi *m, clab_rows *rows, float *out)
{
    const int64_t D = m->net->dims.D;
    const clab_csr *block = NULL;
    clab_status s = CLAB_OK;

    while (s == CLAB_OK && (s = clab_rows_next(cx, rows, &block)) == CLAB_OK && block) {
        s = clab__scvi_load(m, block, NULL); /* the encoder sees no batch */
        if (s == CLAB_OK)
            s = clab__net_encode(m->net, false);
        if (s == CLAB_OK)
            s = m->be->ops->download(m->be, out + block->first_row * D, m->net->m, block->n_rows * D * 4);
        if (clab_ctx_planning(cx))
            break; /* one block takes what each of them does */
    }
    return s;
}

clab_status clab_scvi_latent(clab_ctx *cx, clab_scvi *m, const clab_dataset *d, clab_value **out)
{
    /* from on_epoch: the room is the training's, as large as its minibatch, and stays */
    const int64_t room = m->training && m->net->max_rows < BLOCK_ROWS ? m->net->max_rows : BLOCK_ROWS;
    const clab_rows_opts o = {.block_rows = room, .phase = "latent"};
    clab_matrix *counts = NULL;
    clab_rows *rows = NULL;
    clab_value *v = NULL;
    clab_status s = CLAB_OK;

    if (d && d != m->data)
        s = clab__scvi_same_genes(cx, m, d, &counts);
    else if (m->counts)
        counts = clab_matrix_ref(m->counts);
    else
        s = clab_fail(cx, CLAB_ESTATE, "this model was loaded without its cells: name the dataset");
    if (s == CLAB_OK)
        s = clab_value_array(cx, CLAB_F32, 2, (int64_t[]){clab_matrix_n_rows(counts), m->net->dims.D}, NULL, &v);
    if (s == CLAB_OK && clab_ctx_planning(cx))
        memset(v->data, 0, (size_t)(v->dims[0] * v->dims[1]) * sizeof(float));
    if (s == CLAB_OK && !m->training)
        s = clab__net_room(m->net, BLOCK_ROWS, false);
    if (s == CLAB_OK)
        s = clab_rows_open(cx, counts, &o, &rows);
    if (s == CLAB_OK)
        s = fill(cx, m, rows, v->data);
    clab_rows_close(cx, rows);
    clab_matrix_unref(counts);
    if (!m->training)
        clab__net_rest(m->net);
    if (s != CLAB_OK) {
        clab_value_unref(v);
        return s;
    }
    *out = v;
    return CLAB_OK;
}
