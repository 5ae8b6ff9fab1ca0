/* held.c -- what values, matrices and Datasets keep alive, in the words of the ledger: for mem(), which names
 * who would have to let go before bytes come back. */
#include "data/dataset.h"
#include "data/matrix_impl.h"

void clab_value_held(const clab_value *v, clab_held_fn *fn, void *user)
{
    if (!v)
        return;
    const void *const blocks[] = {v->data, v->codes, v->mask, v->indptr, v->indices};
    const clab_value *const parts[] = {v->levels, v->inner, v->index};

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        fn(user, clab_mem_holding_of(blocks[i]));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_value_held(parts[i], fn, user);
    for (int64_t i = 0; i < v->n_items; i++)
        clab_value_held(v->items[i], fn, user);
}

static void array_held(const clab__array *a, clab_held_fn *fn, void *user)
{
    if (a)
        fn(user, clab_mem_holding_of(a->any));
}

void clab_matrix_held(const clab_matrix *m, clab_held_fn *fn, void *user)
{
    if (!m)
        return;
    array_held(m->order, fn, user);
    for (int i = 0; i < m->n_blocks; i++) {
        const clab__block *b = &m->blocks[i];
        clab_store_held(b->store, fn, user);
        array_held(b->rows, fn, user);
        array_held(b->map, fn, user);
        for (int k = 0; k < b->n_ops; k++)
            array_held(b->ops[k].each, fn, user);
    }
}

void clab_dataset_held(const clab_dataset *d, clab_held_fn *fn, void *user)
{
    if (!d)
        return;
    const clab_value *const parts[] = {d->origin, d->obs,  d->var, d->obsm,    d->varm,     d->obsp,
                                       d->varp,   d->uns,  d->raw.var, d->raw.varm, d->steps};

    clab_matrix_held(d->x, fn, user);
    clab_matrix_held(d->counts, fn, user);
    clab_matrix_held(d->raw.x, fn, user);
    for (int64_t i = 0; i < d->n_layers; i++)
        clab_matrix_held(d->layers[i], fn, user);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        clab_value_held(parts[i], fn, user);
}
