/* store_tile.c -- rows packed into bytes of their own, on whatever thread; a builder appends them in order. */
#include "counts/counts_impl.h"

#include <stdlib.h>
#include <string.h>

clab_status clab_store_tile_new(clab_ctx *cx, int64_t n_cols, clab_dtype dtype, clab_store_tile **out)
{
    void *p = NULL;
    clab_status s = clab_mem_zalloc(cx, CLAB_MEM_WORK, sizeof(clab_store_tile), "packing counts", &p);

    *out = p;
    if (s != CLAB_OK)
        return s;
    (*out)->cx = cx;
    clab__header_new(&(*out)->head, n_cols, dtype, false);
    return CLAB_OK;
}

void clab_store_tile_free(clab_store_tile *t)
{
    if (!t)
        return;
    clab_mem_free(t->cx, t->bytes);
    clab_mem_free(t->cx, t->rows);
    clab_mem_free(t->cx, t);
}

/* ---- room ------------------------------------------------------------------------------------------------*/

static clab_status room_for_rows(clab_store_tile *t, int64_t rows)
{
    int64_t bytes;
    void *p = t->rows;
    clab_status s;

    if (rows <= t->rows_room)
        return CLAB_OK;
    s = clab_mem_size(t->cx, rows, sizeof *t->rows, &bytes);
    if (s == CLAB_OK)
        s = clab_mem_grow(t->cx, CLAB_MEM_WORK, bytes, "packing counts", &p);
    if (s != CLAB_OK)
        return s;
    t->rows = p;
    t->rows_room = rows;
    return CLAB_OK;
}

/* For n more bytes. */
static clab_status room_for_bytes(clab_store_tile *t, int64_t n)
{
    int64_t room = t->used + n;
    void *p = t->bytes;
    clab_status s;

    if (room <= t->room)
        return CLAB_OK;
    room += room / 2;
    s = clab_mem_grow(t->cx, CLAB_MEM_WORK, room, "packing counts", &p);
    if (s != CLAB_OK)
        return s;
    t->bytes = p;
    t->room = room;
    return CLAB_OK;
}

/* ---- one row ---------------------------------------------------------------------------------------------*/

/* The numbers of one block that stand for its values. */
static void value_codes(const clab_store_tile *t, clab__row_mode mode, const char *values, int n, uint32_t *v)
{
    double x[CLAB__BLOCK];

    if (mode == CLAB__ROW_LEVELS) {
        clab__levels_codes(&t->levels, values, n, v);
        return;
    }
    clab__to_f64((clab_dtype)t->head.dtype, values, n, x);
    for (int i = 0; i < n; i++)
        v[i] = (uint32_t)x[i] - (mode == CLAB__ROW_COUNTS);
}

static clab_status pack_row(clab_store_tile *t, int64_t n, const int32_t *indices, const void *values,
                            clab__row_mode mode)
{
    size_t size = clab_dtype_size((clab_dtype)t->head.dtype);
    int32_t last = -1;
    clab_status s;

    if (mode == CLAB__ROW_RAW && clab__levels_find(&t->levels, (clab_dtype)t->head.dtype, values, n))
        mode = CLAB__ROW_LEVELS;
    s = room_for_bytes(t, CLAB__LEVELS_MAX);
    if (s != CLAB_OK)
        return s;
    t->bytes[t->used++] = (uint8_t)mode;
    if (mode == CLAB__ROW_LEVELS)
        t->used += (int64_t)clab__levels_put(&t->levels, t->bytes + t->used);
    for (int64_t at = 0; at < n; at += CLAB__BLOCK) {
        int m = (int)(n - at < CLAB__BLOCK ? n - at : CLAB__BLOCK);
        uint32_t v[CLAB__BLOCK];
        if ((s = room_for_bytes(t, 2 * CLAB__PACK_MAX)) != CLAB_OK)
            return s;
        for (int i = 0; i < m; i++) {
            v[i] = (uint32_t)(indices[at + i] - last - 1);
            last = indices[at + i];
        }
        t->used += (int64_t)clab__pack(v, m, t->bytes + t->used);
        if (mode != CLAB__ROW_RAW) {
            value_codes(t, mode, (const char *)values + (size_t)at * size, m, v);
            t->used += (int64_t)clab__pack(v, m, t->bytes + t->used);
        }
    }
    if (mode != CLAB__ROW_RAW || (s = room_for_bytes(t, n * (int64_t)size)) != CLAB_OK)
        return s;
    memcpy(t->bytes + t->used, values, (size_t)n * size);
    t->used += n * (int64_t)size;
    return CLAB_OK;
}

static clab_status check_row(const clab_store_tile *t, int64_t row, int64_t n, const int32_t *indices)
{
    int64_t last = -1;

    if (n < 0 || n > t->head.n_cols)
        return clab_fail(t->cx, CLAB_EFORMAT, "row %lld has %lld entries in %lld columns", (long long)row, (long long)n,
                         (long long)t->head.n_cols);
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] <= last || indices[i] >= t->head.n_cols)
            return clab_fail(t->cx, CLAB_EFORMAT,
                             "row %lld: column %d follows column %lld of %lld: columns must rise in a row",
                             (long long)row, indices[i], (long long)last, (long long)t->head.n_cols);
        last = indices[i];
    }
    return CLAB_OK;
}

clab_status clab_store_tile_pack(clab_ctx *cx, clab_store_tile *t, int64_t first_row, int64_t n_rows,
                                 const int64_t *indptr, const int32_t *indices, const void *values)
{
    size_t size = clab_dtype_size((clab_dtype)t->head.dtype);
    clab_status s = room_for_rows(t, n_rows);

    clab__header_new(&t->head, t->head.n_cols, (clab_dtype)t->head.dtype, false);
    t->used = 0;
    for (int64_t r = 0; s == CLAB_OK && r < n_rows; r++) {
        int64_t n = indptr[r + 1] - indptr[r];
        uint64_t hash = 0;
        if (r % 256 == 0 && (s = clab_check(cx)) != CLAB_OK)
            break;
        s = check_row(t, first_row + r, n, n > 0 ? indices + indptr[r] : NULL);
        if (s == CLAB_OK && n > 0) {
            const int32_t *cols = indices + indptr[r];
            const void *row = (const char *)values + (size_t)indptr[r] * size;
            s = pack_row(t, n, cols, row, clab__scan_row(&t->head, n, cols, row, &hash));
        }
        t->rows[r] = (clab__tile_row){.hash = hash, .end = (uint64_t)t->used, .entries = n};
        t->head.n_rows++;
        t->head.nnz += n;
    }
    return s;
}
