/* rows_pass.c -- what a row stream does for stores whose rows come in order from a file (counts/store.h, sources). */
#include <stdlib.h>

#include "data/matrix_impl.h"

/* Whether the rows that a stream asks of one store rise. */
static bool rising(const clab_matrix *m, const clab_store *s, const int64_t *order, int64_t n)
{
    int64_t last = -1;

    for (int64_t i = 0; i < n; i++) {
        int64_t local;
        const clab__block *b = clab__matrix_find(m, order ? order[i] : i, &local);
        if (b->store != s)
            continue;
        if (clab__block_row(b, local) < last)
            return false;
        last = clab__block_row(b, local);
    }
    return true;
}

static bool has(const clab__passes *p, const clab_store *s)
{
    for (int i = 0; i < p->n; i++)
        if (p->stores[i] == s)
            return true;
    return false;
}

clab_status clab__passes_begin(clab_ctx *cx, const clab_matrix *m, const int64_t *order, int64_t n, clab__passes *p)
{
    clab_status s = CLAB_OK;

    clab__passes_end(cx, p);
    for (int b = 0; b < m->n_blocks && s == CLAB_OK; b++) {
        clab_store *store = m->blocks[b].store;
        if (!clab_store_is_source(store) || has(p, store))
            continue;
        if (!p->stores && !(p->stores = calloc((size_t)m->n_blocks, sizeof(clab_store *))))
            return clab_fail(cx, CLAB_ENOMEM, "no memory for a row stream");
        s = clab_store_pass_begin(cx, store, rising(m, store, order, n));
        if (s == CLAB_OK)
            p->stores[p->n++] = store;
    }
    return s;
}

clab_status clab__passes_need(clab_ctx *cx, const clab_matrix *m, const int64_t *rows, int64_t n, clab__passes *p)
{
    clab_status s = CLAB_OK;

    for (int k = 0; k < p->n && s == CLAB_OK; k++) {
        int64_t first = -1, last = -1;
        for (int64_t i = 0; i < n; i++) {
            int64_t local;
            const clab__block *b = clab__matrix_find(m, rows[i], &local);
            if (b->store != p->stores[k])
                continue;
            last = clab__block_row(b, local);
            first = first < 0 ? last : first;
        }
        if (first >= 0)
            s = clab_store_pass_need(cx, p->stores[k], first, last);
    }
    return s;
}

void clab__passes_end(clab_ctx *cx, clab__passes *p)
{
    for (int k = 0; k < p->n; k++)
        clab_store_pass_end(cx, p->stores[k]);
    free(p->stores);
    *p = (clab__passes){0};
}
