/* concat_pairs.c -- obsp of several studies: pairs of cells of different studies have no value. */
#include <string.h>

#include "data/concat_impl.h"
#include "data/value_impl.h"
#include "ledger/ledger.h"

typedef struct {
    int64_t nnz;
    int64_t *indptr;   /* total + 1 */
    int32_t *indices;
    char *values;
    clab_dtype dtype;
} block_diagonal;

/* Entries of row r of a square value: those that are not 0 of an array.  NULL arrays: only counted. */
static int64_t put_row(const clab_value *v, int64_t r, int64_t shift, block_diagonal *b, int64_t at)
{
    int64_t first = v->kind == CLAB_V_SPARSE ? v->indptr[r] : r * v->dims[1], n = 0;
    int64_t end = v->kind == CLAB_V_SPARSE ? v->indptr[r + 1] : first + v->dims[1];

    for (int64_t k = first; k < end; k++) {
        if (v->kind != CLAB_V_SPARSE && clab__elem_f64(v->data, v->dtype, k) == 0)
            continue;
        if (b->indices) {
            b->indices[at + n] = (int32_t)(shift + (v->kind == CLAB_V_SPARSE ? v->indices[k] : k - first));
            clab__elem_store(b->values, b->dtype, at + n, v->data, v->dtype, k);
        }
        n++;
    }
    return n;
}

static void put_all(const clab__concat *c, block_diagonal *b)
{
    int64_t row = 0, at = 0;

    for (int i = 0; i < c->n; i++) {
        int64_t shift = row;
        for (int64_t r = 0; r < c->n_rows[i]; r++) {
            if (b->indptr)
                b->indptr[row] = at;
            at += c->pick[i] ? put_row(c->pick[i], r, shift, b, at) : 0;
            row++;
        }
    }
    if (b->indptr)
        b->indptr[row] = at;
    b->nnz = at;
}

static clab_status concat_pairs(const clab__concat *c, const char *key, clab_value *into)
{
    block_diagonal b = {.dtype = CLAB_BOOL};
    clab_value *v = NULL;
    void *p[3] = {NULL, NULL, NULL};
    int64_t bytes[3];
    clab_status s = CLAB_OK;

    for (int i = 0; i < c->n && s == CLAB_OK; i++)
        if (c->pick[i] && c->pick[i]->kind != CLAB_V_SPARSE && c->pick[i]->kind != CLAB_V_ARRAY)
            s = clab_fail(c->cx, CLAB_EARG, "concat: obsp.%s of %s is no matrix of numbers", clab_show(key),
                          clab_show(c->parts[i]->name));
        else if (c->pick[i])
            b.dtype = clab__dtype_promote(b.dtype, c->pick[i]->dtype);
    if (s == CLAB_OK && c->total > INT32_MAX)
        s = clab_fail(c->cx, CLAB_ESHAPE, "concat: pairs of %s cells are too many", clab_text_count(c->total));
    if (s != CLAB_OK)
        return s;
    put_all(c, &b);
    s = clab_mem_size(c->cx, b.nnz + 1, 4, &bytes[1]);
    bytes[0] = (c->total + 1) * 8;
    bytes[2] = (b.nnz + 1) * (int64_t)clab_dtype_size(b.dtype);
    for (int i = 0; i < 3 && s == CLAB_OK; i++)
        s = clab_mem_alloc(c->cx, CLAB_MEM_WORK, bytes[i], "concat of obsp", &p[i]);
    if (s == CLAB_OK) {
        b.indptr = p[0];
        b.indices = p[1];
        b.values = p[2];
        put_all(c, &b);
        s = clab_value_sparse(c->cx, b.dtype, c->total, c->total, b.indptr, b.indices, b.values, &v);
    }
    if (s == CLAB_OK)
        s = clab_value_set(c->cx, into, key, v);
    clab_value_unref(v);
    for (int i = 0; i < 3; i++)
        clab_mem_free(c->cx, p[i]);
    return s;
}

clab_status clab__concat_obsp(const clab__concat *c, clab_value *into)
{
    clab_status s = CLAB_OK;

    for (int i = 0; i < c->n && c->o->pairwise; i++)
        for (int64_t k = 0; k < c->parts[i]->obsp->n_items && s == CLAB_OK; k++) {
            const char *key = c->parts[i]->obsp->names[k];
            int have = 0;
            for (int e = 0; e < c->n; e++) {
                c->pick[e] = clab_value_get(c->parts[e]->obsp, key);
                have += c->pick[e] != NULL;
            }
            if (clab_value_get(into, key) || (!c->o->outer && have < c->n))
                continue;
            s = concat_pairs(c, key, into);
        }
    return s;
}
