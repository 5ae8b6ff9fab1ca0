/* matrix.c -- matrices as lists of blocks: making, holding, and the facts about them. */
#include "data/matrix_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

/* ---- shared arrays --------------------------------------------------------------------------------*/

clab_status clab__array_new(clab_ctx *cx, int64_t n, size_t size, clab__array **out)
{
    clab__array *a = calloc(1, sizeof *a);
    int64_t bytes;
    clab_status s;

    *out = NULL;
    if (!a)
        return clab_fail(cx, CLAB_ENOMEM, "no memory for a view");
    atomic_init(&a->refs, 1);
    a->cx = cx;
    a->n = n;
    s = clab_mem_size(cx, n, size, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_alloc(cx, CLAB_MEM_TABLE, bytes ? bytes : 1, "views", &a->any);
    if (s != CLAB_OK) {
        free(a);
        return s;
    }
    *out = a;
    return CLAB_OK;
}

clab__array *clab__array_ref(clab__array *a)
{
    if (a)
        atomic_fetch_add(&a->refs, 1);
    return a;
}

void clab__array_unref(clab__array *a)
{
    if (!a || atomic_fetch_sub(&a->refs, 1) > 1)
        return;
    clab_mem_free(a->cx, a->any);
    free(a);
}

/* ---- blocks and matrices -----------------------------------------------------------------------------*/

void clab__block_copy(clab__block *to, const clab__block *from)
{
    *to = *from;
    clab_store_ref(to->store);
    clab__array_ref(to->rows);
    clab__array_ref(to->map);
    for (int i = 0; i < to->n_ops; i++) {
        clab__array_ref(to->ops[i].each);
        clab__array_ref(to->ops[i].mean);
    }
}

void clab__block_strip(clab__block *b)
{
    while (b->n_ops > 0) {
        b->n_ops--;
        clab__array_unref(b->ops[b->n_ops].each);
        clab__array_unref(b->ops[b->n_ops].mean);
    }
}

void clab__block_clear(clab__block *b)
{
    clab__block_strip(b);
    clab__array_unref(b->map);
    clab__array_unref(b->rows);
    clab_store_unref(b->store);
}

clab_status clab__matrix_alloc(clab_ctx *cx, int n_blocks, int64_t n_cols, clab_matrix **out)
{
    clab_matrix *m = calloc(1, sizeof *m);

    *out = m;
    if (m) {
        atomic_init(&m->refs, 1);
        m->cx = cx;
        m->n_cols = n_cols;
        m->blocks = calloc((size_t)n_blocks + 1, sizeof *m->blocks);
        m->starts = calloc((size_t)n_blocks + 1, sizeof *m->starts);
    }
    if (m && m->blocks && m->starts)
        return CLAB_OK;
    clab_matrix_unref(m);
    *out = NULL;
    return clab_fail(cx, CLAB_ENOMEM, "no memory for a view");
}

void clab__matrix_count(clab_matrix *m)
{
    m->starts[0] = 0;
    for (int b = 0; b < m->n_blocks; b++)
        m->starts[b + 1] = m->starts[b] + m->blocks[b].n_rows;
    m->n_rows = m->starts[m->n_blocks];
}

clab_status clab__matrix_copy(clab_ctx *cx, const clab_matrix *m, clab_matrix **out)
{
    clab_status s = clab__matrix_alloc(cx, m->n_blocks, m->n_cols, out);

    if (s != CLAB_OK)
        return s;
    for (int b = 0; b < m->n_blocks; b++)
        clab__block_copy(&(*out)->blocks[b], &m->blocks[b]);
    (*out)->n_blocks = m->n_blocks;
    (*out)->order = clab__array_ref(m->order);
    clab__matrix_count(*out);
    return CLAB_OK;
}

clab_status clab_matrix_new(clab_ctx *cx, clab_store *s, clab_matrix **out)
{
    const clab_store_info *f = clab_store_get_info(s);
    clab_status st = clab__matrix_alloc(cx, 1, f->n_cols, out);

    if (st != CLAB_OK)
        return st;
    (*out)->blocks[0] = (clab__block){.store = clab_store_ref(s), .n_rows = f->n_rows, .sorted = true};
    (*out)->n_blocks = 1;
    clab__matrix_count(*out);
    return CLAB_OK;
}

clab_matrix *clab_matrix_ref(const clab_matrix *m)
{
    clab_matrix *held = (clab_matrix *)(uintptr_t)m; /* immutable but for its count */

    if (held)
        atomic_fetch_add(&held->refs, 1);
    return held;
}

void clab_matrix_unref(clab_matrix *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    for (int b = 0; b < m->n_blocks; b++)
        clab__block_clear(&m->blocks[b]);
    clab__array_unref(m->order);
    free(m->blocks);
    free(m->starts);
    free(m);
}

const clab__block *clab__matrix_find(const clab_matrix *m, int64_t row, int64_t *local)
{
    int lo = 0, hi = m->n_blocks;

    if (m->order)
        row = m->order->i64[row];
    while (hi - lo > 1) {
        int mid = (lo + hi) / 2;
        if (m->starts[mid] <= row)
            lo = mid;
        else
            hi = mid;
    }
    *local = row - m->starts[lo];
    return &m->blocks[lo];
}

/* ---- facts ---------------------------------------------------------------------------------------------*/

int64_t clab_matrix_n_rows(const clab_matrix *m)
{
    return m->n_rows;
}

int64_t clab_matrix_n_cols(const clab_matrix *m)
{
    return m->n_cols;
}

clab_dtype clab__block_dtype(const clab__block *b)
{
    clab_dtype t = clab_store_get_info(b->store)->dtype;

    for (int i = 0; i < b->n_ops; i++) {
        bool whole = clab_dtype_is_integer(t) || t == CLAB_BOOL;
        switch (b->ops[i].kind) {
        case CLAB__NORMALISE: t = whole ? CLAB_F32 : t; break;
        case CLAB__LOG1P:
        case CLAB__SCALE: t = whole ? CLAB_F64 : t; break;
        case CLAB__CAST: t = b->ops[i].to; break;
        case CLAB__FILL: break;
        }
    }
    return t;
}

/* numpy's promotion of two element types. */
static clab_dtype promote(clab_dtype a, clab_dtype b)
{
    bool float_a = a == CLAB_F32 || a == CLAB_F64, float_b = b == CLAB_F32 || b == CLAB_F64;
    bool signed_a = a >= CLAB_I8 && a <= CLAB_I64, signed_b = b >= CLAB_I8 && b <= CLAB_I64;
    size_t size_a = clab_dtype_size(a), size_b = clab_dtype_size(b);

    if (a == b || b == CLAB_BOOL)
        return a;
    if (a == CLAB_BOOL)
        return b;
    if (float_a || float_b) {
        size_t need_a = float_a ? size_a : size_a <= 2 ? 4 : 8, need_b = float_b ? size_b : size_b <= 2 ? 4 : 8;
        return (need_a > need_b ? need_a : need_b) == 4 ? CLAB_F32 : CLAB_F64;
    }
    if (signed_a == signed_b)
        return size_a > size_b ? a : b;
    if (signed_a ? size_a > size_b : size_b > size_a)
        return signed_a ? a : b;
    switch (signed_a ? size_b : size_a) { /* the unsigned one needs the next larger signed type */
    case 1: return CLAB_I16;
    case 2: return CLAB_I32;
    case 4: return CLAB_I64;
    default: return CLAB_F64;
    }
}

clab_dtype clab_matrix_dtype(const clab_matrix *m)
{
    clab_dtype t = m->n_blocks > 0 ? clab__block_dtype(&m->blocks[0]) : CLAB_F32;

    for (int b = 1; b < m->n_blocks; b++)
        t = promote(t, clab__block_dtype(&m->blocks[b]));
    return t;
}

bool clab_matrix_is_raw(const clab_matrix *m)
{
    for (int b = 0; b < m->n_blocks; b++)
        for (int i = 0; i < m->blocks[b].n_ops; i++)
            if (m->blocks[b].ops[i].kind != CLAB__CAST)
                return false;
    return true;
}

bool clab_matrix_is_dense(const clab_matrix *m)
{
    for (int b = 0; b < m->n_blocks; b++)
        if (!clab_store_get_info(m->blocks[b].store)->dense)
            return false;
    return m->n_blocks > 0;
}

int64_t clab__matrix_row_room(const clab_matrix *m, int64_t row, bool full)
{
    int64_t local;
    const clab__block *b = clab__matrix_find(m, row, &local);
    int64_t n = clab_store_row_nnz(b->store, clab__block_row(b, local));

    return full && n < m->n_cols && clab__block_has_base(b) ? m->n_cols : n;
}

int64_t clab_matrix_nnz_bound(const clab_matrix *m)
{
    int64_t nnz = 0;

    for (int k = 0; k < m->n_blocks; k++) {
        const clab__block *b = &m->blocks[k];
        const clab_store_info *f = clab_store_get_info(b->store);
        if (clab__block_has_base(b)) {
            nnz += b->n_rows * m->n_cols;
            continue;
        }
        if (!b->rows && b->n_rows == f->n_rows) {
            nnz += f->nnz;
            continue;
        }
        for (int64_t r = 0; r < b->n_rows; r++)
            nnz += clab_store_row_nnz(b->store, clab__block_row(b, r));
    }
    return nnz;
}

/* Does no block before b have its store? */
static bool first_of_store(const clab_matrix *m, int b)
{
    for (int earlier = 0; earlier < b; earlier++)
        if (m->blocks[earlier].store == m->blocks[b].store)
            return false;
    return true;
}

int64_t clab_matrix_store_bytes(const clab_matrix *m)
{
    int64_t bytes = 0;

    for (int b = 0; b < m->n_blocks; b++)
        if (first_of_store(m, b))
            bytes += clab_store_get_info(m->blocks[b].store)->held;
    return bytes;
}

int64_t clab_matrix_packed_bytes(const clab_matrix *m)
{
    int64_t bytes = 0;

    for (int b = 0; b < m->n_blocks; b++)
        if (first_of_store(m, b))
            bytes += clab_store_get_info(m->blocks[b].store)->bytes;
    return bytes;
}

int clab_matrix_n_blocks(const clab_matrix *m)
{
    return m->n_blocks;
}

const clab_store *clab_matrix_store(const clab_matrix *m, int block)
{
    return m->blocks[block].store;
}

static const clab__op *find_op(const clab__block *b, clab__op_kind kind)
{
    for (int i = 0; i < b->n_ops; i++)
        if (b->ops[i].kind == kind)
            return &b->ops[i];
    return NULL;
}

bool clab_matrix_has_log1p(const clab_matrix *m, double *base)
{
    for (int b = 0; b < m->n_blocks; b++) {
        const clab__op *op = find_op(&m->blocks[b], CLAB__LOG1P);
        if (!op)
            return false;
        if (base)
            *base = op->number;
    }
    return m->n_blocks > 0;
}

static bool some(const clab_matrix *m, clab__op_kind kind)
{
    for (int b = 0; b < m->n_blocks; b++)
        if (find_op(&m->blocks[b], kind))
            return true;
    return false;
}

bool clab_matrix_some_log1p(const clab_matrix *m)
{
    return some(m, CLAB__LOG1P);
}

bool clab_matrix_some_scale(const clab_matrix *m)
{
    return some(m, CLAB__SCALE);
}

bool clab_matrix_some_normalise(const clab_matrix *m)
{
    return some(m, CLAB__NORMALISE);
}
