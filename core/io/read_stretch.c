/* read_stretch.c -- a plan's question: what if a file held another number of cells? */
#include "io/io_impl.h"

#include <stdlib.h>

#include "data/matrix.h"
#include "ledger/ledger.h"

static clab_status stretch_matrix(clab_ctx *cx, const clab_dataset *d, const clab_matrix *from, clab_matrix **m)
{
    const int64_t n = clab_matrix_n_rows(*m);
    clab_store *store = NULL;
    clab_matrix *x = NULL;
    clab_status st = clab_store_stretch(cx, clab_matrix_store(from, 0), n, d->name, &store);

    if (st == CLAB_OK)
        st = clab_matrix_new(cx, store, &x);
    clab_store_unref(store);
    if (st != CLAB_OK)
        return st;
    clab_matrix_unref(*m);
    *m = x;
    return CLAB_OK;
}

/* The matrices of `to`, whose rows are picked from those of `from`, as sketches of their own. */
static clab_status stretch_all(clab_ctx *cx, const clab_dataset *from, clab_dataset *to)
{
    const clab_matrix *const counts = from->counts;
    clab_status st = CLAB_OK;

    if (from->x)
        st = stretch_matrix(cx, from, from->x, &to->x);
    for (int64_t i = 0; st == CLAB_OK && i < from->n_layers; i++)
        st = stretch_matrix(cx, from, from->layers[i], &to->layers[i]);
    if (st == CLAB_OK && from->raw.x)
        st = stretch_matrix(cx, from, from->raw.x, &to->raw.x);
    if (st != CLAB_OK || !counts)
        return st;
    clab_matrix_unref(to->counts);
    to->counts = clab_matrix_ref(counts == from->x ? to->x : counts == from->raw.x ? to->raw.x : NULL);
    for (int64_t i = 0; i < from->n_layers; i++)
        if (counts == from->layers[i])
            to->counts = clab_matrix_ref(to->layers[i]);
    return CLAB_OK;
}

clab_status clab__stretch(clab_ctx *cx, int64_t n, clab_dataset **d)
{
    const int64_t has = clab_dataset_n_obs(*d);
    clab_dataset *out = NULL;
    int64_t *rows = NULL;
    clab_status st;

    if (n == has || has == 0)
        return CLAB_OK;
    if ((st = clab_mem_alloc(cx, CLAB_MEM_WORK, 8 * n, "cells", (void **)&rows)) != CLAB_OK)
        return st;
    for (int64_t i = 0; i < n; i++)
        rows[i] = i % has;
    st = clab_dataset_take_obs(cx, *d, rows, n, &out);
    clab_mem_free(cx, rows);
    if (st == CLAB_OK)
        st = stretch_all(cx, *d, out);
    if (st != CLAB_OK) {
        clab_dataset_unref(out);
        return st;
    }
    clab_dataset_unref(*d);
    *d = out;
    return CLAB_OK;
}
