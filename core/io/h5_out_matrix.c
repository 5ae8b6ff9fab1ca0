/* h5_out_matrix.c -- matrices that arrive block by block, written as CSR or dense, never whole in memory. */
#include "io/h5_out_impl.h"

#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

#define DENSE_BLOCK (8LL << 20)

typedef struct {
    clab__out *o;
    const char *at;
    const clab__matrix_head *head;
    size_t from;       /* bytes of a value as it arrives */
    int64_t rows, nnz; /* written so far */
    int64_t cap, cap_rows;
    int64_t *ptr; /* of the block */
    int32_t *indices;
    void *values;
    hid_t d_data, d_indices; /* CSR; dense: d_data */
    clab__out_chunks *c_data, *c_indices; /* CSR, NULL where HDF5 does it */
    int64_t *indptr;         /* CSR: n_rows + 1 */
    void *table;             /* dense: a piece of rows */
} writer;

/* ---- blocks from the wire ------------------------------------------------------------------------*/

static clab_status room_for(writer *w, int64_t rows, int64_t nnz)
{
    clab_ctx *cx = w->o->cx;
    clab_status st = CLAB_OK;
    if (rows + 1 > w->cap_rows) {
        w->cap_rows = rows + 1;
        st = clab_mem_grow(cx, CLAB_MEM_WORK, w->cap_rows * 8, "a block to write", (void **)&w->ptr);
    }
    if (st == CLAB_OK && nnz > w->cap) {
        w->cap = nnz;
        st = clab_mem_grow(cx, CLAB_MEM_WORK, nnz * 4, "a block to write", (void **)&w->indices);
        if (st == CLAB_OK)
            st = clab_mem_grow(cx, CLAB_MEM_WORK, nnz * (int64_t)w->from, "a block to write", &w->values);
    }
    return st;
}

/* The next block; *rows = 0 at the end. */
static clab_status next_block(writer *w, clab_wire *wire, int64_t *rows, int64_t *nnz)
{
    clab_ctx *cx = w->o->cx;
    clab_status st = clab_wire_get_i64(cx, wire, rows);
    if (st != CLAB_OK || *rows == 0)
        return st;
    if ((st = clab_wire_get_i64(cx, wire, nnz)) != CLAB_OK)
        return st;
    if (*rows < 0 || *rows > w->head->n_rows - w->rows || *nnz < 0 || *nnz / *rows > w->head->n_cols)
        return clab_fail(cx, CLAB_EINTERNAL, "a block of %s does not fit", clab_show(w->at));
    if ((st = room_for(w, *rows, *nnz)) != CLAB_OK ||
        (st = clab_wire_get(cx, wire, w->ptr, (size_t)(*rows + 1) * 8)) != CLAB_OK ||
        (*nnz > 0 && (st = clab_wire_get(cx, wire, w->indices, (size_t)*nnz * 4)) != CLAB_OK) ||
        (*nnz > 0 && (st = clab_wire_get(cx, wire, w->values, (size_t)*nnz * w->from)) != CLAB_OK))
        return st;
    return CLAB_OK;
}

/* Booleans are an enum, which HDF5 does not convert numbers to: do it here, in place. */
static hid_t prepare_values(writer *w, int64_t nnz)
{
    if (w->head->dtype != CLAB_BOOL)
        return w->head->f64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    uint8_t *to = w->values;
    for (int64_t i = 0; i < nnz; i++)
        to[i] = w->head->f64 ? ((double *)w->values)[i] != 0 : ((float *)w->values)[i] != 0;
    return w->o->boolean;
}

/* ---- CSR -----------------------------------------------------------------------------------------*/

static clab_status append(writer *w, clab__out_chunks *fast, hid_t d, hid_t mem, int64_t n, const void *data)
{
    hsize_t start = (hsize_t)w->nnz, count = (hsize_t)n, size = start + count;
    if (n == 0)
        return CLAB_OK;
    if (fast)
        return clab__chunks_add(fast, n, data);
    if (H5Dset_extent(d, &size) < 0)
        return clab__out_fail(w->o, w->at);
    hid_t in = H5Screate_simple(1, &count, NULL), out = H5Dget_space(d);
    clab_status st = CLAB_OK;
    if (in < 0 || out < 0 || H5Sselect_hyperslab(out, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0 ||
        clab_fault_io(w->o->cx) || H5Dwrite(d, mem, in, out, H5P_DEFAULT, data) < 0)
        st = clab__out_fail(w->o, w->at);
    H5Sclose(in);
    H5Sclose(out);
    return st;
}

static clab_status csr_block(writer *w, int64_t rows, int64_t nnz)
{
    for (int64_t i = 0; i < rows; i++)
        w->indptr[w->rows + i + 1] = w->nnz + w->ptr[i + 1];
    if (w->ptr[0] != 0 || w->ptr[rows] != nnz)
        return clab_fail(w->o->cx, CLAB_EINTERNAL, "a block of %s does not fit", clab_show(w->at));
    clab_status st = append(w, w->c_indices, w->d_indices, H5T_NATIVE_INT32, nnz, w->indices);
    return st == CLAB_OK ? append(w, w->c_data, w->d_data, prepare_values(w, nnz), nnz, w->values) : st;
}

static clab_status csr_begin(writer *w, hid_t parent, const char *name, hid_t *group, hid_t width)
{
    hsize_t none = 0;
    clab_status st = clab__out_group(w->o, parent, name, w->at, group);
    if (st == CLAB_OK)
        st = clab__out_encoding(w->o, *group, w->at, "csr_matrix", "0.1.0");
    if (st == CLAB_OK)
        st = clab__out_attr_shape(w->o, *group, w->at, w->head->n_rows, w->head->n_cols);
    if (st == CLAB_OK)
        st = clab__out_set(w->o, *group, "data", w->at, clab__dtype_file(w->o, w->head->dtype), 1, &none,
                           true, &w->d_data);
    if (st == CLAB_OK)
        st = clab__out_set(w->o, *group, "indices", w->at, width, 1, &none, true, &w->d_indices);
    if (st == CLAB_OK && w->head->dtype != CLAB_BOOL)
        st = clab__chunks_new(w->o, w->d_data, w->at, w->head->f64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT,
                              &w->c_data);
    if (st == CLAB_OK)
        st = clab__chunks_new(w->o, w->d_indices, w->at, H5T_NATIVE_INT32, &w->c_indices);
    if (st == CLAB_OK)
        st = clab_mem_zalloc(w->o->cx, CLAB_MEM_WORK, (w->head->n_rows + 1) * 8, "row pointers",
                             (void **)&w->indptr);
    return st;
}

/* ---- dense ---------------------------------------------------------------------------------------*/

static clab_status dense_rows(writer *w, int64_t first, int64_t n, hid_t mem, size_t size)
{
    hsize_t start[2] = {(hsize_t)(w->rows + first), 0}, count[2] = {(hsize_t)n, (hsize_t)w->head->n_cols};
    memset(w->table, 0, (size_t)(n * w->head->n_cols) * size);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = w->ptr[first + i]; k < w->ptr[first + i + 1]; k++)
            memcpy((char *)w->table + (size_t)(i * w->head->n_cols + w->indices[k]) * size,
                   (char *)w->values + (size_t)k * size, size);
    hid_t in = H5Screate_simple(2, count, NULL), out = H5Dget_space(w->d_data);
    clab_status st = CLAB_OK;
    if (in < 0 || out < 0 || H5Sselect_hyperslab(out, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        clab_fault_io(w->o->cx) || H5Dwrite(w->d_data, mem, in, out, H5P_DEFAULT, w->table) < 0)
        st = clab__out_fail(w->o, w->at);
    H5Sclose(in);
    H5Sclose(out);
    return st;
}

static int64_t dense_piece(const writer *w)
{
    int64_t n = DENSE_BLOCK / ((w->head->n_cols > 0 ? w->head->n_cols : 1) * 8);
    return n < 1 ? 1 : n;
}

static clab_status dense_block(writer *w, int64_t rows, int64_t nnz)
{
    hid_t mem = prepare_values(w, nnz);
    int64_t piece = dense_piece(w);
    bool fits = w->ptr[0] == 0 && w->ptr[rows] == nnz;
    clab_status st = CLAB_OK;
    for (int64_t i = 0; fits && i < rows; i++)
        fits = w->ptr[i] <= w->ptr[i + 1];
    for (int64_t k = 0; fits && k < nnz; k++)
        fits = w->indices[k] >= 0 && w->indices[k] < w->head->n_cols;
    if (!fits)
        return clab_fail(w->o->cx, CLAB_EINTERNAL, "a block of %s does not fit", clab_show(w->at));
    for (int64_t i = 0; st == CLAB_OK && w->head->n_cols > 0 && i < rows; i += piece)
        st = dense_rows(w, i, rows - i < piece ? rows - i : piece, mem, H5Tget_size(mem));
    return st;
}

static clab_status dense_begin(writer *w, hid_t parent, const char *name)
{
    hsize_t dims[2] = {(hsize_t)w->head->n_rows, (hsize_t)w->head->n_cols};
    clab_status st = clab__out_set(w->o, parent, name, w->at, clab__dtype_file(w->o, w->head->dtype), 2, dims,
                                   false, &w->d_data);
    if (st == CLAB_OK)
        st = clab__out_encoding(w->o, w->d_data, w->at, "array", "0.2.0");
    if (st == CLAB_OK)
        st = clab_mem_alloc(w->o->cx, CLAB_MEM_WORK, dense_piece(w) * w->head->n_cols * 8 + 64,
                            "rows to write", &w->table);
    return st;
}

/* ---- both ----------------------------------------------------------------------------------------*/

clab_status clab__out_matrix(clab__out *o, clab_wire *wire, hid_t parent, const char *name, const char *at,
                             const clab__matrix_head *head)
{
    writer w = {.o = o, .at = at, .head = head, .from = head->f64 ? 8 : 4, .d_data = -1, .d_indices = -1};
    /* indices and indptr of one width: readers mix them into one computation */
    hid_t group = -1, d_ptr = -1, width = head->nnz_bound <= INT32_MAX ? H5T_STD_I32LE : H5T_STD_I64LE;
    int64_t rows = 0, nnz = 0, n = head->n_rows + 1;
    clab_status st = head->dense ? dense_begin(&w, parent, name) : csr_begin(&w, parent, name, &group, width);
    while (st == CLAB_OK && (st = next_block(&w, wire, &rows, &nnz)) == CLAB_OK && rows > 0) {
        st = head->dense ? dense_block(&w, rows, nnz) : csr_block(&w, rows, nnz);
        w.rows += rows;
        w.nnz += nnz;
    }
    if (st == CLAB_OK) {
        st = clab__chunks_end(w.c_indices);
        w.c_indices = NULL;
    }
    if (st == CLAB_OK) {
        st = clab__chunks_end(w.c_data);
        w.c_data = NULL;
    }
    clab__chunks_free(w.c_indices);
    clab__chunks_free(w.c_data);
    if (st == CLAB_OK && w.rows != head->n_rows)
        st = clab_fail(o->cx, CLAB_EINTERNAL, "%s ended early", clab_show(at));
    if (st == CLAB_OK && !head->dense)
        st = clab__out_array(o, group, "indptr", at, width, H5T_NATIVE_INT64, 1, &n, w.indptr, &d_ptr);
    const hid_t all[] = {d_ptr, w.d_indices, w.d_data, group};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        clab_status closed = clab__out_done(o, all[i], at);
        st = st == CLAB_OK ? closed : st;
    }
    clab_mem_free(o->cx, w.ptr);
    clab_mem_free(o->cx, w.indices);
    clab_mem_free(o->cx, w.values);
    clab_mem_free(o->cx, w.indptr);
    clab_mem_free(o->cx, w.table);
    return st;
}
