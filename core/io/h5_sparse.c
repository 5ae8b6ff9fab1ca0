/* h5_sparse.c -- matrices: what their headers say, checked before anything is allocated. */
#include "io/h5_impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- headers -------------------------------------------------------------------------------------*/

static clab_status check_shape(clab__h5 *h, const char *at, int64_t rows, int64_t cols, int64_t want_rows,
                               int64_t want_cols)
{
    if (rows < 0 || cols < 0)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has the negative shape %lld x %lld", h->name,
                         clab_show(at), (long long)rows, (long long)cols);
    if ((want_rows >= 0 && rows != want_rows) || (want_cols >= 0 && cols != want_cols)) {
        (void)clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is %lld x %lld, but there are %lld cells and %lld genes",
                        h->name, clab_show(at), (long long)rows, (long long)cols, (long long)want_rows,
                        (long long)want_cols);
        return rows == want_cols && cols == want_rows
                   ? clab_hint(h->cx, "it looks transposed (genes x cells)")
                   : clab_error_status(h->cx);
    }
    if (cols > INT32_MAX || rows > INT64_MAX / 64)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s claims the shape %lld x %lld", h->name, clab_show(at),
                         (long long)rows, (long long)cols);
    return CLAB_OK;
}

static clab_status open_array(clab__h5 *h, hid_t group, const char *at, const char *name, char *path,
                              clab__set *s)
{
    return clab__set_member(h, group, name, clab__h5_at(path, at, name), s);
}

clab_status clab__matrix_open_arrays(clab__h5 *h, hid_t group, const char *at, bool by_column, int64_t n_rows,
                                     int64_t n_cols, clab__matrix *m)
{
    int64_t major = by_column ? n_cols : n_rows;
    *m = (clab__matrix){
        .n_rows = n_rows, .n_cols = n_cols, .data = {.id = -1}, .indices = {.id = -1}, .indptr = {.id = -1}};
    strcpy(m->kind, by_column ? "csc" : "csr");
    clab_status st = open_array(h, group, at, "data", m->at[0], &m->data);
    if (st == CLAB_OK)
        st = open_array(h, group, at, "indices", m->at[1], &m->indices);
    if (st == CLAB_OK)
        st = open_array(h, group, at, "indptr", m->at[2], &m->indptr);
    if (st != CLAB_OK)
        goto fail;
    const clab__set *all[] = {&m->data, &m->indices, &m->indptr};
    for (int i = 0; i < 3 && st == CLAB_OK; i++) {
        bool fits = all[i]->rank == 1 && all[i]->cls == CLAB__NUMBER &&
                    (i == 0 || clab_dtype_is_integer(all[i]->dtype));
        if (!fits)
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is no list of %snumbers", h->name,
                           clab_show(m->at[i]), i ? "whole " : "");
        else
            st = clab__set_plausible(h, all[i], all[i]->n, i == 0 ? clab_dtype_size(all[i]->dtype) : 4);
    }
    if (st == CLAB_OK && m->data.n != m->indices.n)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s holds %lld values but %lld indices", h->name,
                       clab_show(at), (long long)m->data.n, (long long)m->indices.n);
    if (st == CLAB_OK && m->indptr.n != major + 1)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s has %lld entries, a %s matrix of %lld x %lld needs %lld",
                       h->name, clab_show(m->at[2]), (long long)m->indptr.n, m->kind, (long long)n_rows,
                       (long long)n_cols, (long long)major + 1);
    if (st != CLAB_OK)
        goto fail;
    m->dtype = m->data.dtype;
    m->nnz = m->data.n;
    m->stored = (int64_t)(m->data.stored + m->indices.stored + m->indptr.stored);
    return CLAB_OK;
fail:
    clab__matrix_close(m);
    return st;
}

static clab_status open_group(clab__h5 *h, hid_t obj, const char *at, int64_t n_rows, int64_t n_cols,
                              clab__matrix *m)
{
    char encoding[64], version[32];
    int64_t shape[2] = {0, 0};
    clab__h5_attr_str(obj, "encoding-type", encoding, sizeof encoding);
    if (!*encoding)
        clab__h5_attr_str(obj, "h5sparse_format", encoding, sizeof encoding);
    bool csr = strncmp(encoding, "csr", 3) == 0, csc = strncmp(encoding, "csc", 3) == 0;
    if (!csr && !csc)
        return clab_fail(h->cx, CLAB_EFORMAT,
                         "%s: %s has the encoding '%s'; matrices are csr_matrix, csc_matrix or arrays",
                         h->name, clab_show(at), clab_show(encoding));
    if (clab__h5_attr_str(obj, "encoding-version", version, sizeof version) && strcmp(version, "0.1.0") != 0)
        clab_warn(h->cx, "%s: %s is written in version %s of its encoding; 0.1.0 is known here", h->name,
                  clab_show(at), clab_show(version));
    int n = clab__h5_attr_ints(obj, "shape", shape, 2);
    if (n < 0)
        n = clab__h5_attr_ints(obj, "h5sparse_shape", shape, 2);
    if (n != 2)
        return clab_fail(h->cx, CLAB_EFORMAT, "%s: %s does not say its shape in two numbers", h->name,
                         clab_show(at));
    clab_status st = check_shape(h, at, shape[0], shape[1], n_rows, n_cols);
    return st == CLAB_OK ? clab__matrix_open_arrays(h, obj, at, csc, shape[0], shape[1], m) : st;
}

clab_status clab__matrix_open(clab__h5 *h, hid_t obj, const char *at, int64_t n_rows, int64_t n_cols,
                              clab__matrix *m)
{
    *m = (clab__matrix){.data = {.id = -1}, .indices = {.id = -1}, .indptr = {.id = -1}};
    clab_status st;
    if (clab__h5_is_group(obj)) {
        st = open_group(h, obj, at, n_rows, n_cols, m);
        H5Oclose(obj);
        return st;
    }
    strcpy(m->kind, "dense");
    strncpy(m->at[0], at, CLAB__AT - 1);
    st = clab__set_open(h, obj, m->at[0], &m->data);
    if (st != CLAB_OK)
        return st;
    if (m->data.rank != 2 || m->data.cls != CLAB__NUMBER)
        st =
            clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is no table of numbers: it has %d dimension(s)%s", h->name,
                      clab_show(at), m->data.rank, m->data.cls == CLAB__NUMBER ? "" : " of another type");
    else
        st = check_shape(h, at, (int64_t)m->data.dims[0], (int64_t)m->data.dims[1], n_rows, n_cols);
    if (st == CLAB_OK)
        st = clab__set_plausible(h, &m->data, m->data.n, clab_dtype_size(m->data.dtype));
    if (st != CLAB_OK) {
        clab__matrix_close(m);
        return st;
    }
    m->n_rows = (int64_t)m->data.dims[0];
    m->n_cols = (int64_t)m->data.dims[1];
    m->dtype = m->data.dtype;
    m->nnz = m->data.n;
    m->stored = (int64_t)m->data.stored;
    return CLAB_OK;
}

void clab__matrix_close(clab__matrix *m)
{
    clab__set_close(&m->data);
    clab__set_close(&m->indices);
    clab__set_close(&m->indptr);
}

/* ---- streaming -----------------------------------------------------------------------------------*/

clab_status clab__indptr_read(clab__h5 *h, const clab__matrix *m, int64_t **out)
{
    int64_t n = m->indptr.n, bytes;
    void *p = NULL;
    clab_status st = clab_mem_size(h->cx, n, sizeof(int64_t), &bytes);
    if (st == CLAB_OK)
        st = clab__h5_ask(h, m->indptr.at, bytes);
    if (st == CLAB_OK)
        st = clab_mem_alloc(h->cx, CLAB_MEM_WORK, bytes, "row pointers", &p);
    if (st == CLAB_OK)
        st = clab__set_slice(h, &m->indptr, 0, n, H5T_NATIVE_INT64, p);
    const int64_t *v = p;
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        if (i == 0 ? v[0] != 0 : v[i] < v[i - 1])
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s %s (entry %lld is %lld)", h->name,
                           clab_show(m->indptr.at), i == 0 ? "does not start at 0" : "goes down",
                           (long long)i, (long long)v[i]);
    }
    if (st == CLAB_OK && v[n - 1] != m->nnz)
        st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s ends at %lld, but %lld values are stored", h->name,
                       clab_show(m->indptr.at), (long long)v[n - 1], (long long)m->nnz);
    if (st != CLAB_OK) {
        clab_mem_free(h->cx, p);
        return st;
    }
    *out = p;
    return CLAB_OK;
}

clab_status clab__indices_read(clab__h5 *h, const clab__set *s, int64_t first, int64_t n, int64_t limit,
                               int32_t *out)
{
    bool narrow = clab_dtype_size(s->dtype) < 4 || s->dtype == CLAB_I32;
    int64_t *wide = NULL;
    clab_status st;
    if (narrow) {
        st = clab__set_slice(h, s, first, n, H5T_NATIVE_INT32, out);
    } else {
        if (!(wide = malloc((size_t)(n > 0 ? n : 1) * sizeof *wide)))
            return clab_fail(h->cx, CLAB_ENOMEM, "no memory for %s", clab_show(s->at));
        st = clab__set_slice(h, s, first, n, H5T_NATIVE_INT64, wide);
    }
    for (int64_t i = 0; st == CLAB_OK && i < n; i++) {
        int64_t v = wide ? wide[i] : out[i];
        if (v < 0 || v >= limit)
            st = clab_fail(h->cx, CLAB_EFORMAT, "%s: %s: entry %lld is %lld, it must be 0 to %lld", h->name,
                           clab_show(s->at), (long long)(first + i), (long long)v, (long long)limit - 1);
        else
            out[i] = (int32_t)v;
    }
    free(wide);
    return st;
}

clab_status clab__matrix_stream(clab__h5 *h, clab__matrix *m, clab__sink *k)
{
    int64_t *indptr = NULL;
    bool dense = strcmp(m->kind, "dense") == 0;
    clab_status st = k->begin(k, h, clab__pick_n_rows(m), clab__pick_n_cols(m), m->dtype, dense);
    if (st != CLAB_OK)
        return st;
    if (dense)
        return clab__dense_stream(h, m, k);
    if (strcmp(m->kind, "turned") == 0)
        return clab__turned_stream(h, m, k);
    st = clab__indptr_read(h, m, &indptr);
    if (st == CLAB_OK)
        st = clab__set_cache(h, &m->data);
    if (st == CLAB_OK)
        st = clab__set_cache(h, &m->indices);
    if (st == CLAB_OK)
        st = strcmp(m->kind, "csc") == 0 ? clab__csc_stream(h, m, indptr, k) : clab__csr_stream(h, m, indptr, k);
    clab_mem_free(h->cx, indptr);
    return st;
}
