/* store_row.c -- one row out of its record.  Believes nothing that the bytes say: every read is checked. */
#include "counts/counts_impl.h"

#include "ledger/ledger.h"

typedef struct {
    uint32_t n;
    float f32[CLAB__N_LEVELS];
    double f64[CLAB__N_LEVELS];
} level_values;

/* Gaps to columns, `last` being the column before; the last column, or -2 when one lies outside. */
static int64_t columns(const uint32_t *gaps, int n, int64_t last, int64_t n_cols, int32_t *to)
{
    for (int i = 0; i < n; i++) {
        last += (int64_t)gaps[i] + 1;
        to[i] = (int32_t)last; /* rises, so all are inside when the last one is */
    }
    return last < n_cols ? last : -2;
}

static void counts_f32(const uint32_t *v, int n, uint32_t add, float *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (float)(int32_t)(v[i] + add);
}

static void counts_f64(const uint32_t *v, int n, uint32_t add, double *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (double)(int32_t)(v[i] + add);
}

/* The distinct values at p in the type that is delivered; where they end, or NULL when they are cut short. */
static const uint8_t *read_levels(clab_dtype t, const uint8_t *p, const uint8_t *end, level_values *l)
{
    size_t size = clab_dtype_size(t);

    if (p == end)
        return NULL;
    l->n = (uint32_t)*p++ + 1;
    if ((size_t)(end - p) < l->n * size)
        return NULL;
    clab__to_f32(t, p, (int64_t)l->n, l->f32);
    clab__to_f64(t, p, (int64_t)l->n, l->f64);
    return p + l->n * size;
}

static bool level_numbers(const level_values *l, const uint32_t *v, int n, float *f32, double *f64)
{
    for (int i = 0; i < n; i++) {
        if (v[i] >= l->n)
            return false;
        if (f32)
            f32[i] = l->f32[v[i]];
        else
            f64[i] = l->f64[v[i]];
    }
    return true;
}

/* Values of one block from its packed numbers. */
static bool block_values(clab__row_mode mode, const level_values *l, const uint32_t *v, int n, float *f32, double *f64)
{
    if (mode == CLAB__ROW_LEVELS)
        return level_numbers(l, v, n, f32, f64);
    if (f32)
        counts_f32(v, n, mode == CLAB__ROW_COUNTS, f32);
    else
        counts_f64(v, n, mode == CLAB__ROW_COUNTS, f64);
    return true;
}

static const uint8_t *raw_values(clab_dtype t, const uint8_t *p, const uint8_t *end, int64_t n, float *f32, double *f64)
{
    size_t size = clab_dtype_size(t);

    if ((size_t)(end - p) / size < (size_t)n)
        return NULL;
    if (f32)
        clab__to_f32(t, p, n, f32);
    else
        clab__to_f64(t, p, n, f64);
    return p + (size_t)n * size;
}

/* The record p..end of n entries; false when the bytes are not one. */
static bool decode(const clab_store *s, const uint8_t *p, const uint8_t *end, int64_t n, int32_t *indices,
                   float *f32, double *f64)
{
    uint32_t v[CLAB__BLOCK];
    level_values levels;
    int64_t last = -1;
    clab__row_mode mode;

    if (p == end || *p >= CLAB__N_ROW_MODES)
        return false;
    mode = (clab__row_mode)*p++;
    if (mode == CLAB__ROW_LEVELS && !(p = read_levels(s->info.dtype, p, end, &levels)))
        return false;
    for (int64_t at = 0; at < n; at += CLAB__BLOCK) {
        int m = (int)(n - at < CLAB__BLOCK ? n - at : CLAB__BLOCK);
        p = clab__unpack(p, end, m, v);
        if (!p)
            return false;
        last = columns(v, m, last, s->info.n_cols, indices + at);
        if (last < 0)
            return false;
        if (mode == CLAB__ROW_RAW)
            continue;
        p = clab__unpack(p, end, m, v);
        if (!p || !block_values(mode, &levels, v, m, f32 ? f32 + at : NULL, f64 ? f64 + at : NULL))
            return false;
    }
    if (mode == CLAB__ROW_RAW)
        p = raw_values(s->info.dtype, p, end, n, f32, f64);
    return p == end;
}

static clab_status damaged(clab_ctx *cx, int64_t row)
{
    return clab_fail(cx, CLAB_EFORMAT, "the packed counts of row %lld are damaged", (long long)row);
}

/* Bytes that a record of n entries can have at most: no table makes us take more. */
static uint64_t most_bytes(int64_t n)
{
    uint64_t blocks = (uint64_t)n / CLAB__BLOCK + 1;

    return CLAB__LEVELS_MAX + blocks * 2 * CLAB__PACK_MAX + (uint64_t)n * 8;
}

/* The record of a store whose rows stay in its file: one pread into memory of this call alone, so that any
 * number of threads may ask at a time. */
static clab_status row_from_file(clab_ctx *cx, const clab_store *s, int64_t row, int64_t n, int32_t *indices,
                                 float *f32, double *f64)
{
    uint8_t few[8192]; /* most cells fit */
    void *many = NULL;
    uint8_t *p = few;
    uint64_t bytes = s->starts[row + 1] - s->starts[row];
    clab_status st = CLAB_OK;

    if (bytes > most_bytes(n))
        return damaged(cx, row);
    if (bytes > sizeof few) {
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, (int64_t)bytes, "packed row", &many);
        p = many;
    }
    if (st == CLAB_OK)
        st = clab__file_read(cx, s->fd, p, bytes, CLAB__HEADER + (int64_t)s->starts[row]);
    if (st == CLAB_OK && !decode(s, p, p + bytes, n, indices, f32, f64))
        st = damaged(cx, row);
    clab_mem_free(cx, many);
    return st;
}

clab_status clab_store_row(clab_ctx *cx, const clab_store *s, int64_t row, int32_t *indices, float *f32, double *f64)
{
    const uint8_t *rows;
    int64_t n;

    if (row < 0 || row >= s->info.n_rows)
        return clab_fail(cx, CLAB_EINTERNAL, "row %lld of %lld", (long long)row, (long long)s->info.n_rows);
    n = clab_store_row_nnz(s, row);
    if (n == 0)
        return CLAB_OK;
    if (s->sketch)
        return clab__sketch_row(cx, s, row, indices, f32, f64);
    if (s->source)
        return clab__source_row(cx, s, row, indices, f32, f64);
    if (!s->map)
        return row_from_file(cx, s, row, n, indices, f32, f64);
    rows = s->map + CLAB__HEADER;
    if (!decode(s, rows + s->starts[row], rows + s->starts[row + 1], n, indices, f32, f64))
        return damaged(cx, row);
    return CLAB_OK;
}
