/* h5_dense.c -- dense tables streamed in blocks of rows that follow the chunks; only non-zeros leave. */
#include "io/h5_impl.h"

#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

#define DENSE_BLOCK (8LL << 20) /* bytes of a block of rows */

/* The non-zeros of one row; NaN is one, -0.0 is none.  Returns how many. */
static int64_t pick(const void *row, int64_t n, clab_dtype t, int32_t *indices, void *values)
{
    int64_t k = 0;
    switch (t) {
#define PICK(T, type)                                                                                        \
    case T:                                                                                                  \
        for (int64_t j = 0; j < n; j++)                                                                      \
            if (((const type *)row)[j] != 0) {                                                               \
                indices[k] = (int32_t)j;                                                                     \
                ((type *)values)[k++] = ((const type *)row)[j];                                              \
            }                                                                                                \
        break;
        PICK(CLAB_F32, float)
        PICK(CLAB_F64, double)
        PICK(CLAB_I8, int8_t)
        PICK(CLAB_I16, int16_t)
        PICK(CLAB_I32, int32_t)
        PICK(CLAB_I64, int64_t)
        PICK(CLAB_U8, uint8_t)
        PICK(CLAB_BOOL, uint8_t)
        PICK(CLAB_U16, uint16_t)
        PICK(CLAB_U32, uint32_t)
        PICK(CLAB_U64, uint64_t)
#undef PICK
    default:
        break;
    }
    return k;
}

/* Rows of a block: about DENSE_BLOCK bytes, whole chunks where that is possible. */
static int64_t rows_of_block(const clab__matrix *m, int64_t row_bytes)
{
    int64_t rows = DENSE_BLOCK / (row_bytes > 0 ? row_bytes : 1), chunk = (int64_t)m->data.chunk[0];
    rows = rows < 1 ? 1 : rows;
    if (chunk > 0 && rows > chunk)
        rows -= rows % chunk;
    return rows < m->n_rows ? rows : m->n_rows;
}

static clab_status read_block(clab__h5 *h, const clab__matrix *m, int64_t row, int64_t n, void *buf)
{
    hsize_t start[2] = {(hsize_t)row, 0}, count[2] = {(hsize_t)n, m->data.dims[1]};
    hid_t in = H5Screate_simple(2, count, NULL);
    clab__h5_alive(0);
    bool ok = !clab_fault_io(h->cx) &&
              H5Sselect_hyperslab(m->data.space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              H5Dread(m->data.id, clab__dtype_mem(m->dtype), in, m->data.space, H5P_DEFAULT, buf) >= 0;
    const char *why = ok ? "" : clab__h5_why();
    H5Sclose(in);
    if (!ok)
        return clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read at row %lld: %s", h->name,
                         clab_show(m->data.at), (long long)row, why);
    return CLAB_OK;
}

clab_status clab__dense_stream(clab__h5 *h, clab__matrix *m, clab__sink *k)
{
    size_t size = clab_dtype_size(m->dtype);
    int64_t row_bytes, bytes, *ptr = NULL;
    void *block = NULL, *indices = NULL, *values = NULL;
    clab_status st = clab_mem_size(h->cx, m->n_cols, size, &row_bytes);
    if (st != CLAB_OK || m->n_rows == 0)
        return st;
    int64_t rows = rows_of_block(m, row_bytes), cells = rows * m->n_cols;
    if ((st = clab_mem_size(h->cx, cells, 2 * size + sizeof(int32_t), &bytes)) != CLAB_OK ||
        (st = clab__h5_ask(h, m->data.at, bytes)) != CLAB_OK ||
        (st = clab__set_cache(h, &m->data)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, cells * (int64_t)size + 64, "a block of rows", &block)) !=
            CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, cells * 4 + 64, "a block of indices", &indices)) !=
            CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, cells * (int64_t)size + 64, "a block of values",
                             &values)) != CLAB_OK ||
        (st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, (rows + 1) * 8, "row pointers", (void **)&ptr)) != CLAB_OK)
        goto done;
    int64_t row = m->pick.first < clab__pick_n_rows(m) ? clab__pick_row(m, m->pick.first) : m->n_rows;
    for (; st == CLAB_OK && row < m->n_rows; row += rows) {
        int64_t n = m->n_rows - row < rows ? m->n_rows - row : rows;
        int64_t next = clab__pick_find(m, row);
        if (next == clab__pick_n_rows(m) || clab__pick_row(m, next) >= row + n)
            continue; /* none of these rows is wanted */
        if ((st = clab_check(h->cx)) != CLAB_OK ||
            (m->n_cols > 0 && (st = read_block(h, m, row, n, block)) != CLAB_OK))
            break;
        ptr[0] = 0;
        for (int64_t i = 0; i < n; i++)
            ptr[i + 1] = ptr[i] + pick((char *)block + (size_t)(i * row_bytes), m->n_cols, m->dtype,
                                       (int32_t *)indices + ptr[i], (char *)values + (size_t)ptr[i] * size);
        st = clab__pick_pass(h, m, k, row, n, ptr, indices, values);
    }
done:
    clab_mem_free(h->cx, block);
    clab_mem_free(h->cx, indices);
    clab_mem_free(h->cx, values);
    clab_mem_free(h->cx, ptr);
    return st;
}
