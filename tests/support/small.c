/* small.c -- little matrices for tests. */
#include "small.h"

#include <stdlib.h>

uint32_t small_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 3 ^ *state << 13;
}

float *small_counts(int64_t n, int64_t g, int percent, uint32_t seed)
{
    float *x = calloc((size_t)(n * g) + 1, sizeof *x);

    for (int64_t i = 0; x && i < n * g; i++)
        if (small_next(&seed) % 100 < (uint32_t)percent)
            x[i] = (float)(1 + small_next(&seed) % (small_next(&seed) % 20 == 0 ? 200 : 4));
    return x;
}

static void store_value(void *to, int64_t i, clab_dtype t, double x)
{
    switch (t) {
    case CLAB_F32: ((float *)to)[i] = (float)x; break;
    case CLAB_F64: ((double *)to)[i] = x; break;
    case CLAB_I32: ((int32_t *)to)[i] = (int32_t)x; break;
    case CLAB_I64: ((int64_t *)to)[i] = (int64_t)x; break;
    case CLAB_U8: ((uint8_t *)to)[i] = (uint8_t)x; break;
    default: abort();
    }
}

clab_matrix *small_matrix(clab_ctx *cx, int64_t n, int64_t g, const double *x, clab_dtype t)
{
    int64_t *indptr = calloc((size_t)n + 1, sizeof *indptr), nnz = 0;
    int32_t *indices = malloc((size_t)(n * g) * sizeof *indices + 1);
    void *values = malloc((size_t)(n * g) * 8 + 1);
    clab_store_builder *b = NULL;
    clab_store *s = NULL;
    clab_matrix *m = NULL;

    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < g; j++)
            if (x[i * g + j] != 0.0) {
                indices[nnz] = (int32_t)j;
                store_value(values, nnz++, t, x[i * g + j]);
            }
        indptr[i + 1] = nnz;
    }
    if (clab_store_builder_new(cx, -1, g, t, false, &b) == CLAB_OK) {
        if (clab_store_builder_add(cx, b, n, indptr, indices, values) != CLAB_OK)
            clab_store_builder_free(b);
        else if (clab_store_builder_store(cx, b, "test", &s) == CLAB_OK && clab_matrix_new(cx, s, &m) != CLAB_OK)
            m = NULL;
    }
    clab_store_unref(s);
    free(indptr);
    free(indices);
    free(values);
    return m;
}

clab_matrix *small_matrix_f32(clab_ctx *cx, int64_t n, int64_t g, const float *x)
{
    double *d = malloc((size_t)(n * g) * sizeof *d + 1);
    clab_matrix *m;

    for (int64_t i = 0; i < n * g; i++)
        d[i] = (double)x[i];
    m = small_matrix(cx, n, g, d, CLAB_F32);
    free(d);
    return m;
}

double *small_dense(clab_ctx *cx, const clab_matrix *m, bool f64)
{
    int64_t g = clab_matrix_n_cols(m);
    double *x = calloc((size_t)(clab_matrix_n_rows(m) * g) + 1, sizeof *x);
    clab_rows_opts o = {.f64 = f64, .max_bytes = 4096};
    const clab_csr *b;
    clab_rows *r;

    if (clab_rows_open(cx, m, &o, &r) != CLAB_OK)
        abort();
    while (clab_rows_next(cx, r, &b) == CLAB_OK && b)
        for (int64_t i = 0; i < b->n_rows; i++)
            for (int64_t k = b->indptr[i]; k < b->indptr[i + 1]; k++) {
                if (k > b->indptr[i] && b->indices[k] <= b->indices[k - 1])
                    abort(); /* columns must rise */
                x[(b->first_row + i) * g + b->indices[k]] = f64 ? b->f64[k] : (double)b->f32[k];
            }
    clab_rows_close(cx, r);
    return x;
}
