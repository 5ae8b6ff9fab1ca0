/* matrix_row.c -- one row on its way out: decode, gene map, operations, the type that was asked for.
 *
 * Roundings are those of scanpy 1.11 on an array of the same element type (docs/steps/normalise.md,
 * log1p.md, scale.md): float32 values stay float32 between operations.
 */
#include "data/matrix_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

/* A row in flight: exactly one of f32 and f64 holds the values. */
typedef struct {
    int64_t n;
    int32_t *indices;
    float *f32;
    double *f64;
} row_values;

/* ---- scratch ---------------------------------------------------------------------------------------*/

clab_status clab__scratch_new(clab_ctx *cx, const clab_matrix *m, int64_t longest, bool f64, clab__scratch **out)
{
    clab__scratch *w = NULL;
    bool unsorted = false;
    void *p = NULL;
    clab_status s;

    *out = NULL;
    s = clab_mem_zalloc(cx, CLAB_MEM_WORK, sizeof *w, "row scratch", &p);
    if (s != CLAB_OK)
        return s;
    w = p; /* log1p(0) = 0: the zeroed memo is right */
    w->cx = cx;
    for (int b = 0; b < m->n_blocks; b++)
        unsorted |= m->blocks[b].map && !m->blocks[b].sorted;
    p = NULL;
    s = clab_mem_alloc(cx, CLAB_MEM_WORK, (longest + CLAB_STORE_PAD) * (f64 ? 4 : 8), "row scratch", &p);
    if (f64)
        w->f32 = p;
    else
        w->f64 = p;
    if (s == CLAB_OK && unsorted) {
        p = NULL;
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, m->n_cols * 8 + 8, "row scratch", &p);
        w->dense = p;
        p = NULL;
        if (s == CLAB_OK)
            s = clab_mem_zalloc(cx, CLAB_MEM_WORK, (m->n_cols / 64 + 1) * 8, "row scratch", &p);
        w->filled = p;
    }
    if (s != CLAB_OK) {
        clab__scratch_free(w);
        return s;
    }
    *out = w;
    return CLAB_OK;
}

void clab__scratch_free(clab__scratch *w)
{
    if (!w)
        return;
    clab_mem_free(w->cx, w->f32);
    clab_mem_free(w->cx, w->f64);
    clab_mem_free(w->cx, w->dense);
    clab_mem_free(w->cx, w->filled);
    clab_mem_free(w->cx, w);
}

/* ---- gene map ----------------------------------------------------------------------------------------*/

#define KEEP_MAPPED(values)                                                                                  \
    for (int64_t i = 0; i < r->n; i++) {                                                                     \
        int32_t c = map[r->indices[i]];                                                                      \
        if (c >= 0) {                                                                                        \
            r->indices[n] = c;                                                                               \
            values[n++] = values[i];                                                                         \
        }                                                                                                    \
    }

static void keep_mapped(row_values *r, const int32_t *map)
{
    int64_t n = 0;

    if (r->f32) {
        KEEP_MAPPED(r->f32)
    } else {
        KEEP_MAPPED(r->f64)
    }
    r->n = n;
}

/* Columns in rising order: through a bit a column, in O(entries + columns / 64). */
static void sort_row(row_values *r, clab__scratch *w, int64_t n_cols)
{
    int64_t n = 0;

    for (int64_t i = 0; i < r->n; i++) {
        int32_t c = r->indices[i];
        w->dense[c] = r->f32 ? (double)r->f32[i] : r->f64[i];
        w->filled[c / 64] |= UINT64_C(1) << c % 64;
    }
    for (int64_t k = 0; k <= n_cols / 64; k++) {
        for (uint64_t bits = w->filled[k]; bits; bits &= bits - 1) {
            int32_t c = (int32_t)(k * 64 + __builtin_ctzll(bits));
            r->indices[n] = c;
            if (r->f32)
                r->f32[n++] = (float)w->dense[c];
            else
                r->f64[n++] = w->dense[c];
        }
        w->filled[k] = 0;
    }
}

/* ---- operations ------------------------------------------------------------------------------------------*/

static void normalise(row_values *r, double factor)
{
    if (r->f32) {
        float f = (float)factor;
        f = f == 0.0f ? 1.0f : f;
        for (int64_t i = 0; i < r->n; i++)
            r->f32[i] /= f;
    } else {
        factor = factor == 0.0 ? 1.0 : factor;
        for (int64_t i = 0; i < r->n; i++)
            r->f64[i] /= factor;
    }
}

/* Counts take few values, so most logarithms are asked for again: remember the last of each slot. */
static float remembered_log1p(clab__scratch *w, float x)
{
    uint32_t key, slot;

    memcpy(&key, &x, 4);
    slot = (key * UINT32_C(2654435761)) >> 24;
    if (w->log_key[slot] != key) {
        w->log_key[slot] = key;
        w->log_value[slot] = (float)log1p((double)x);
    }
    return w->log_value[slot];
}

static void log_plus_one(row_values *r, clab__scratch *w, double base)
{
    if (r->f32) {
        float divisor = base > 0 ? (float)log(base) : 0.0f;
        for (int64_t i = 0; i < r->n; i++)
            r->f32[i] = remembered_log1p(w, r->f32[i]);
        for (int64_t i = 0; base > 0 && i < r->n; i++)
            r->f32[i] /= divisor;
    } else {
        double divisor = base > 0 ? log(base) : 1.0;
        for (int64_t i = 0; i < r->n; i++)
            r->f64[i] = log1p(r->f64[i]) / divisor;
    }
}

static void scale(row_values *r, const double *std, double max)
{
    for (int64_t i = 0; i < r->n; i++) {
        double x = (r->f32 ? (double)r->f32[i] : r->f64[i]) / std[r->indices[i]];
        if (r->f32)
            r->f32[i] = max > 0 && (float)x > (float)max ? (float)max : (float)x;
        else
            r->f64[i] = max > 0 && x > max ? max : x;
    }
}

/* Move the values into the other array. */
static void convert(row_values *r, bool to_f64, float *f32, double *f64)
{
    if (to_f64 && r->f32) {
        for (int64_t i = 0; i < r->n; i++)
            f64[i] = (double)r->f32[i];
        r->f64 = f64;
        r->f32 = NULL;
    } else if (!to_f64 && r->f64) {
        for (int64_t i = 0; i < r->n; i++)
            f32[i] = (float)r->f64[i];
        r->f32 = f32;
        r->f64 = NULL;
    }
}

/* Whether a row's values are double when they leave the store: as its element type asks, but whole numbers
 * in the type that the first operation (or the caller) turns them into. */
static bool starts_as_f64(const clab__block *b, bool f64)
{
    clab_dtype t = clab_store_get_info(b->store)->dtype;

    if (b->n_ops == 0)
        return f64;
    if (t == CLAB_F32 || t == CLAB_F64)
        return t == CLAB_F64;
    return !(b->ops[0].kind == CLAB__NORMALISE || (b->ops[0].kind == CLAB__CAST && b->ops[0].to == CLAB_F32));
}

clab_status clab__matrix_row(clab_ctx *cx, const clab_matrix *m, int64_t row, clab__scratch *w, int32_t *indices,
                             float *f32, double *f64, int64_t *n)
{
    int64_t local;
    const clab__block *b = clab__matrix_find(m, row, &local);
    int64_t store_row = clab__block_row(b, local);
    bool want_f64 = f64 != NULL;
    row_values r = {.n = clab_store_row_nnz(b->store, store_row), .indices = indices};
    clab_status s;

    if (!f32)
        f32 = w->f32;
    if (!f64)
        f64 = w->f64;
    if (starts_as_f64(b, want_f64))
        r.f64 = f64;
    else
        r.f32 = f32;
    s = clab_store_row(cx, b->store, store_row, indices, r.f32, r.f64);
    if (s != CLAB_OK)
        return s;
    if (b->map) {
        keep_mapped(&r, b->map->i32);
        if (!b->sorted)
            sort_row(&r, w, m->n_cols);
    }
    for (int k = 0; k < b->n_ops; k++) {
        const clab__op *op = &b->ops[k];
        switch (op->kind) {
        case CLAB__NORMALISE: normalise(&r, op->each->f64[local]); break;
        case CLAB__LOG1P: log_plus_one(&r, w, op->number); break;
        case CLAB__SCALE: scale(&r, op->each->f64, op->number); break;
        case CLAB__CAST: convert(&r, op->to == CLAB_F64, f32, f64); break;
        }
    }
    convert(&r, want_f64, f32, f64);
    *n = r.n;
    return CLAB_OK;
}
