/* matrix_base.c -- entries that are not stored, of matrices whose recipe makes something else than 0 of 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/matrix_impl.h"
#include "ledger/ledger.h"

static bool makes_base(const clab__op *op)
{
    return op->mean || op->kind == CLAB__FILL;
}

bool clab__block_has_base(const clab__block *b)
{
    for (int k = 0; k < b->n_ops; k++)
        if (makes_base(&b->ops[k]))
            return true;
    return false;
}

bool clab__block_base_varies(const clab__block *b)
{
    bool base = false;

    for (int k = 0; k < b->n_ops; k++) {
        base |= makes_base(&b->ops[k]);
        if (base && b->ops[k].kind == CLAB__NORMALISE)
            return true;
    }
    return false;
}

bool clab_matrix_has_base(const clab_matrix *m)
{
    for (int b = 0; b < m->n_blocks; b++)
        if (clab__block_has_base(&m->blocks[b]))
            return true;
    return false;
}

void clab__bases_free(clab__bases *s)
{
    if (!s)
        return;
    for (int i = 0; s->base && i < s->n; i++)
        clab_mem_free(s->cx, s->base[i]);
    free(s->base);
    free(s->of);
    free(s);
}

/* The base of block b: one that is there already, or a new one. */
static clab_status add_base(clab__bases *s, const clab_matrix *m, int b, clab__scratch *w)
{
    size_t bytes = (size_t)m->n_cols * sizeof(double);
    void *p = NULL;
    clab_status st = clab_mem_alloc(s->cx, CLAB_MEM_WORK, (int64_t)bytes + 8, "base of the genes", &p);

    if (st != CLAB_OK)
        return st;
    clab__block_empty_row(&m->blocks[b], 0, m->n_cols, w, p);
    for (int i = 0; i < s->n; i++)
        if (memcmp(s->base[i], p, bytes) == 0) {
            s->of[b] = i;
            clab_mem_free(s->cx, p);
            return CLAB_OK;
        }
    s->of[b] = s->n;
    s->base[s->n++] = p;
    for (int64_t c = 0; c < m->n_cols; c++)
        s->finite = s->finite && isfinite(s->base[s->of[b]][c]);
    return CLAB_OK;
}

clab_status clab__bases_new(clab_ctx *cx, const clab_matrix *m, clab__bases **out)
{
    clab__bases *s = calloc(1, sizeof *s);
    clab__scratch *w = NULL;
    clab_status st = CLAB_OK;

    *out = NULL;
    if (s) {
        s->cx = cx;
        s->n_cols = m->n_cols;
        s->finite = true;
        s->base = calloc((size_t)m->n_blocks + 1, sizeof *s->base);
        s->of = calloc((size_t)m->n_blocks + 1, sizeof *s->of);
    }
    if (!s || !s->base || !s->of)
        st = clab_fail(cx, CLAB_ENOMEM, "no memory for the base of the genes");
    if (st == CLAB_OK)
        st = clab__scratch_new(cx, m, 0, true, &w);
    for (int b = 0; st == CLAB_OK && b < m->n_blocks; b++) {
        s->of[b] = -1;
        if (clab__block_base_varies(&m->blocks[b]))
            s->varies = true;
        else if (m->blocks[b].n_rows > 0 && clab__block_has_base(&m->blocks[b]))
            st = add_base(s, m, b, w);
    }
    clab__scratch_free(w);
    if (st != CLAB_OK) {
        clab__bases_free(s);
        return st;
    }
    *out = s;
    return CLAB_OK;
}
