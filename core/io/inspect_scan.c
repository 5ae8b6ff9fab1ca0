/* inspect_scan.c -- are the values of a matrix whole, negative, finite?  All of them, or a first sample. */
#include "io/h5_impl.h"

#include <math.h>
#include <stdlib.h>

#define SAMPLE 65536 /* values looked at without a full scan */

static void look(clab__scan *s, double x)
{
    s->stored++;
    s->nonzero += x != 0;
    if (!isfinite(x)) {
        s->finite = s->whole = false;
        return;
    }
    s->whole = s->whole && x == floor(x);
    s->negative = s->negative || x < 0;
    s->min = x < s->min ? x : s->min;
    s->max = x > s->max ? x : s->max;
}

static double value_at(const void *v, clab_dtype t, int64_t i)
{
    switch (t) {
    case CLAB_F32:
        return (double)((const float *)v)[i];
    case CLAB_F64:
        return ((const double *)v)[i];
    case CLAB_I8:
        return ((const int8_t *)v)[i];
    case CLAB_I16:
        return ((const int16_t *)v)[i];
    case CLAB_I32:
        return ((const int32_t *)v)[i];
    case CLAB_I64:
        return (double)((const int64_t *)v)[i];
    case CLAB_U16:
        return ((const uint16_t *)v)[i];
    case CLAB_U32:
        return ((const uint32_t *)v)[i];
    case CLAB_U64:
        return (double)((const uint64_t *)v)[i];
    default:
        return ((const uint8_t *)v)[i];
    }
}

static clab_status scan_begin(clab__sink *k, clab__h5 *h, int64_t n_rows, int64_t n_cols, clab_dtype dtype,
                              bool dense)
{
    (void)h;
    (void)n_rows;
    (void)n_cols;
    (void)dense;
    ((clab__scan *)k)->dtype = dtype;
    return CLAB_OK;
}

static clab_status scan_rows(clab__sink *k, clab__h5 *h, int64_t n_rows, const int64_t *indptr,
                             const int32_t *indices, const void *values)
{
    clab__scan *s = (clab__scan *)k;
    (void)indices;
    for (int64_t i = 0; i < indptr[n_rows]; i++)
        look(s, value_at(values, s->dtype, i));
    return clab_check(h->cx);
}

/* The first values as they are stored: of a sparse matrix its data, of a dense one its first rows. */
static clab_status sample(clab__h5 *h, clab__matrix *m, clab__scan *s)
{
    bool dense = m->data.rank == 2;
    int64_t rows = 0, n = m->nnz < SAMPLE ? m->nnz : SAMPLE;
    if (dense) { /* as they lie in the file, whichever way that is */
        const int64_t all = (int64_t)m->data.dims[0], width = (int64_t)m->data.dims[1];
        rows = width > 0 ? SAMPLE / width : 0;
        rows = rows < 1 ? 1 : rows;
        rows = rows < all ? rows : all;
        n = rows * width;
    }
    void *buf = malloc((size_t)n * sizeof(double) + 1);
    if (!buf)
        return clab_fail(h->cx, CLAB_ENOMEM, "no memory for a sample");
    clab_status st = CLAB_OK;
    if (dense && n > 0) {
        hsize_t start[2] = {0, 0}, count[2] = {(hsize_t)rows, m->data.dims[1]};
        hid_t in = H5Screate_simple(2, count, NULL);
        if (H5Sselect_hyperslab(m->data.space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Dread(m->data.id, H5T_NATIVE_DOUBLE, in, m->data.space, H5P_DEFAULT, buf) < 0)
            st = clab_fail(h->cx, CLAB_EIO, "%s: %s cannot be read: %s", h->name, clab_show(m->data.at),
                           clab__h5_why());
        H5Sclose(in);
    } else if (n > 0) {
        hid_t mem = m->dtype == CLAB_BOOL ? H5T_NATIVE_UINT8 : H5T_NATIVE_DOUBLE;
        st = clab__set_slice(h, &m->data, 0, n, mem, buf);
    }
    clab_dtype t = !dense && m->dtype == CLAB_BOOL ? CLAB_U8 : CLAB_F64;
    for (int64_t i = 0; st == CLAB_OK && i < n; i++)
        look(s, value_at(buf, t, i));
    free(buf);
    return st;
}

void clab__scan_begin(clab__scan *s)
{
    *s = (clab__scan){.sink = {.begin = scan_begin, .rows = scan_rows}, .whole = true, .finite = true};
}

clab_status clab__scan_matrix(clab__h5 *h, clab__matrix *m, bool full, clab__scan *out)
{
    clab__scan_begin(out);
    return full ? clab__matrix_stream(h, m, &out->sink) : sample(h, m, out);
}
