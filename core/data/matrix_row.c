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

static clab_status room_for_base(clab_ctx *cx, int64_t n_cols, clab__scratch *w)
{
    void *p[3] = {NULL, NULL, NULL};
    clab_status s = CLAB_OK;

    for (int i = 0; i < 3 && s == CLAB_OK; i++)
        s = clab_mem_alloc(cx, CLAB_MEM_WORK, n_cols * (i == 1 ? 8 : 4) + 8, "row scratch", &p[i]);
    w->columns = p[0];
    w->empty = p[1];
    w->empty32 = p[2];
    for (int64_t c = 0; s == CLAB_OK && c < n_cols; c++)
        w->columns[c] = (int32_t)c;
    return s;
}

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
    if (s == CLAB_OK && clab_matrix_has_base(m))
        s = room_for_base(cx, m->n_cols, w);
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
    clab_mem_free(w->cx, w->columns);
    clab_mem_free(w->cx, w->empty);
    clab_mem_free(w->cx, w->empty32);
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

/* Columns in rising order, entries of one column added up: a bit a column, O(entries + columns / 64). */
static void sort_row(row_values *r, clab__scratch *w, int64_t n_cols)
{
    int64_t n = 0;

    for (int64_t i = 0; i < r->n; i++) {
        int32_t c = r->indices[i];
        uint64_t bit = UINT64_C(1) << c % 64;
        double x = r->f32 ? (double)r->f32[i] : r->f64[i];
        w->dense[c] = w->filled[c / 64] & bit ? w->dense[c] + x : x;
        w->filled[c / 64] |= bit;
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
    r->n = n;
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

static float clip32(float x, double max, bool both)
{
    float most = (float)max;

    return !(max > 0) ? x : x > most ? most : both && x < -most ? -most : x;
}

static double clip64(double x, double max, bool both)
{
    return !(max > 0) ? x : x > max ? max : both && x < -max ? -max : x;
}

static void scale(row_values *r, const double *std, double max)
{
    for (int64_t i = 0; r->f32 && i < r->n; i++)
        r->f32[i] = clip32((float)((double)r->f32[i] / std[r->indices[i]]), max, false);
    for (int64_t i = 0; r->f64 && i < r->n; i++)
        r->f64[i] = clip64(r->f64[i] / std[r->indices[i]], max, false);
}

static void centre_and_scale(row_values *r, const double *mean, const double *std, double max)
{
    for (int64_t i = 0; r->f32 && i < r->n; i++) {
        int32_t c = r->indices[i];
        float away = (float)((double)r->f32[i] - mean[c]);
        r->f32[i] = clip32((float)((double)away / std[c]), max, true);
    }
    for (int64_t i = 0; r->f64 && i < r->n; i++) {
        int32_t c = r->indices[i];
        r->f64[i] = clip64((r->f64[i] - mean[c]) / std[c], max, true);
    }
}

/* An empty row's values: where there is something to fill in, that. */
static void fill(row_values *r, const double *value)
{
    for (int64_t i = 0; i < r->n; i++) {
        double v = value[r->indices[i]];
        if (v != 0 && r->f32)
            r->f32[i] = (float)v;
        else if (v != 0)
            r->f64[i] = v;
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

/* The recipe of a block on its row `local`; empty = the row of all columns that are not stored. */
static void apply(const clab__block *b, int64_t local, bool empty, row_values *r, clab__scratch *w, float *f32,
                  double *f64)
{
    for (int k = 0; k < b->n_ops; k++) {
        const clab__op *op = &b->ops[k];
        switch (op->kind) {
        case CLAB__NORMALISE: normalise(r, op->each->f64[local]); break;
        case CLAB__LOG1P: log_plus_one(r, w, op->number); break;
        case CLAB__SCALE:
            if (op->mean)
                centre_and_scale(r, op->mean->f64, op->each->f64, op->number);
            else
                scale(r, op->each->f64, op->number);
            break;
        case CLAB__CAST: convert(r, op->to != CLAB_F32, f32, f64); break;
        case CLAB__FILL:
            if (empty)
                fill(r, op->each->f64);
            break;
        }
    }
}

/* ---- entries that are not stored ---------------------------------------------------------------------------*/

void clab__block_empty_row(const clab__block *b, int64_t local, int64_t n_cols, clab__scratch *w, double *out)
{
    bool f64 = starts_as_f64(b, true);
    row_values r = {.n = n_cols, .indices = w->columns, .f32 = f64 ? NULL : w->empty32, .f64 = f64 ? w->empty : NULL};

    for (int64_t c = 0; c < n_cols; c++) {
        w->empty[c] = 0;
        w->empty32[c] = 0;
    }
    apply(b, local, true, &r, w, w->empty32, w->empty);
    for (int64_t c = 0; c < n_cols; c++)
        out[c] = r.f32 ? (double)r.f32[c] : r.f64[c];
}

/* All columns of a row whose entries stand at the front of its arrays: from the last one, so that no entry is
 * overwritten before it has moved. */
static void fill_up(row_values *r, const double *base, int64_t n_cols)
{
    int64_t k = r->n - 1;

    for (int64_t c = n_cols - 1; c >= 0; c--) {
        bool stored = k >= 0 && r->indices[k] == c;
        if (r->f32)
            r->f32[c] = stored ? r->f32[k] : (float)base[c];
        else
            r->f64[c] = stored ? r->f64[k] : base[c];
        r->indices[c] = (int32_t)c;
        k -= stored;
    }
    r->n = n_cols;
}

static void take_off(row_values *r, const double *base)
{
    for (int64_t i = 0; i < r->n; i++)
        if (r->f32)
            r->f32[i] = (float)((double)r->f32[i] - base[r->indices[i]]);
        else
            r->f64[i] -= base[r->indices[i]];
}

/* ---- the row -----------------------------------------------------------------------------------------------*/

clab_status clab__matrix_row(clab_ctx *cx, const clab_matrix *m, int64_t row, clab__scratch *w,
                             const clab__bases *bases, bool full, int32_t *indices, float *f32, double *f64, int64_t *n)
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
    apply(b, local, false, &r, w, f32, f64);
    convert(&r, want_f64, f32, f64);
    if (bases && clab__block_has_base(b)) {
        int which = bases->of[b - m->blocks];
        if (which < 0)
            clab__block_empty_row(b, local, m->n_cols, w, w->empty);
        if (full)
            fill_up(&r, which < 0 ? w->empty : bases->base[which], m->n_cols);
        else
            take_off(&r, bases->base[which]);
    }
    *n = r.n;
    return CLAB_OK;
}
