/* toy.c -- small datasets for tests; any failure stops the test program. */
#include "toy.h"

#include <stdio.h>
#include <stdlib.h>

#include "data/rows.h"

static void must(clab_ctx *cx, clab_status s)
{
    if (s == CLAB_OK)
        return;
    fprintf(stderr, "toy data: %s\n", clab_error_text(cx));
    abort();
}

clab_matrix *toy_matrix(clab_ctx *cx, int64_t n, int64_t g, const float *dense)
{
    int64_t indptr[2] = {0};
    int32_t *indices = calloc((size_t)g + 1, sizeof *indices);
    float *values = calloc((size_t)g + 1, sizeof *values);
    clab_store_builder *b = NULL;
    clab_store *store = NULL;
    clab_matrix *m = NULL;

    must(cx, clab_store_builder_new(cx, -1, g, CLAB_F32, false, &b));
    for (int64_t i = 0; i < n; i++) {
        indptr[1] = 0;
        for (int64_t k = 0; k < g; k++)
            if (dense[i * g + k] != 0.0f) {
                indices[indptr[1]] = (int32_t)k;
                values[indptr[1]++] = dense[i * g + k];
            }
        must(cx, clab_store_builder_add(cx, b, 1, indptr, indices, values));
    }
    must(cx, clab_store_builder_store(cx, b, "toy", &store));
    must(cx, clab_matrix_new(cx, store, &m));
    clab_store_unref(store);
    free(indices);
    free(values);
    return m;
}

clab_dataset *toy_dataset(clab_ctx *cx, const char *name, const char *prefix, int64_t n, int64_t g,
                          const char *const *genes, const float *dense)
{
    char (*cells)[32] = calloc((size_t)n + 1, sizeof *cells);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    clab_value *index = NULL, *obs = NULL, *var = NULL;
    clab_matrix *x = toy_matrix(cx, n, g, dense);
    clab_dataset *d = NULL;

    for (int64_t i = 0; i < n; i++) {
        snprintf(cells[i], sizeof cells[i], "%.10s%d", prefix, (int)i);
        names[i] = cells[i];
    }
    must(cx, clab_value_strings(cx, 1, &n, names, &index));
    must(cx, clab_value_table(cx, index, NULL, &obs));
    clab_value_unref(index);
    must(cx, clab_value_strings(cx, 1, &g, genes, &index));
    must(cx, clab_value_table(cx, index, NULL, &var));
    clab_value_unref(index);
    must(cx, clab_dataset_new(cx, name, x, obs, var, &d));
    d->counts = clab_matrix_ref(x);
    clab_matrix_unref(x);
    clab_value_unref(obs);
    clab_value_unref(var);
    free(cells);
    free(names);
    return d;
}

void toy_labels(clab_ctx *cx, clab_dataset *d, const char *column, const char *const *labels)
{
    clab_value *v = NULL;

    must(cx, clab_value_factor(cx, clab_dataset_n_obs(d), labels, &v));
    must(cx, clab_dataset_obs_set(cx, d, column, v));
    clab_value_unref(v);
}

void toy_numbers(clab_ctx *cx, clab_dataset *d, const char *column, const double *x)
{
    int64_t n = clab_dataset_n_obs(d);
    clab_value *v = NULL;

    must(cx, clab_value_array(cx, CLAB_F64, 1, &n, x, &v));
    must(cx, clab_dataset_obs_set(cx, d, column, v));
    clab_value_unref(v);
}

float *toy_dense(clab_ctx *cx, const clab_matrix *m)
{
    float *x = NULL;

    must(cx, clab_rows_dense(cx, m, (int64_t)1 << 24, &x));
    return x;
}
